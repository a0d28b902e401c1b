import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { beginStroke, extendStroke } from "./brush";
import type { Contact } from "./gestures";
import { remember } from "./mask";
import styles from "./mask-editor.module.css";
import type { Tool } from "./mask-tools";
import { Photo } from "./photo-view";
import { type Area, around, NOWHERE, type Raster } from "./raster";
import { between } from "./rectangle";
import type { BrushStroke, Stroke, Strokes } from "./strokes";
import { useGestures } from "./use-gestures";
import { useOverlay } from "./use-overlay";
import type { PhotoWindow } from "./use-viewport";
import { type Point, type Size, toPhoto, type View } from "./view";

interface MaskStageProps {
  element: RefObject<HTMLDivElement | null>;
  photo: { url: string } & Size;
  seen: PhotoWindow;
  raster: Raster;
  strokes: Strokes;
  tool: Tool;
  /** The brush's diameter in the photo's pixels. */
  size: number;
  /** The rectangle being placed by keyboard. */
  frame: Area | null;
  onStroke(stroke: Stroke): void;
  /** The strokes are on the raster, which is white in so large a share. */
  onShown(share: number): void;
  /** Where the raster has changed that is not seen yet. */
  unseen: RefObject<Area>;
}

/** The photo, the mask over it, and what the hand is doing. */
export function MaskStage(props: MaskStageProps) {
  const { element, photo, seen, raster, strokes, tool, size, frame, onStroke, onShown, unseen } = props;
  const { canvas, changed } = useOverlay(raster, seen);
  const live = useRef<BrushStroke | null>(null);
  const corner = useRef<Point | null>(null);
  const [dragged, setDragged] = useState<Area | null>(null);
  const ring = useRef<HTMLSpanElement>(null);

  useLayoutEffect(() => {
    const area = around(unseen.current, raster.show(strokes));
    unseen.current = NOWHERE;
    onShown(remember(strokes, raster));
    changed(live.current ? around(area, raster.draft(live.current, 0)) : area);
  }, [raster, strokes, changed, onShown, unseen]);

  const paintTo = (contacts: readonly Contact[]) => {
    const stroke = live.current;
    if (!stroke) return;
    const from = stroke.points.length / 2;
    for (const contact of contacts) extendStroke(stroke, contact, seen.view);
    changed(raster.draft(stroke, from));
  };
  const stop = () => {
    live.current = null;
    corner.current = null;
    setDragged(null);
  };

  useGestures(element, {
    wheelZooms: false,
    draws: (contact) => contact.main && tool !== "move",
    start: (contact) => {
      if (tool === "rectangle") {
        corner.current = toPhoto(seen.view, contact);
      } else {
        live.current = beginStroke(tool === "eraser" ? "erase" : "fill", size, contact);
        paintTo([contact]);
      }
    },
    draw: (contacts) => {
      const last = contacts.at(-1);
      if (corner.current && last) setDragged(between(corner.current, toPhoto(seen.view, last), photo));
      else paintTo(contacts);
    },
    end: () => {
      const stroke = live.current;
      stop();
      if (stroke) {
        raster.keep(stroke);
        onStroke(stroke);
      } else if (dragged) {
        onStroke({ type: "rectangle", effect: "fill", ...dragged });
      }
    },
    giveUp: () => {
      stop();
      changed(raster.show(strokes));
    },
    move: seen.move,
    scroll: (by) => {
      if (seen.whole) return false;
      seen.move({ x: 0, y: 0 }, by, 1);
      return true;
    },
    hover: (contact) => {
      if (!ring.current) return;
      ring.current.hidden = contact === null;
      if (contact) ring.current.style.translate = `calc(${contact.x}px - 50%) calc(${contact.y}px - 50%)`;
    },
  });

  const placed = dragged ?? frame;
  const diameter = Math.max(3, size * seen.view.scale);
  return (
    <>
      <Photo url={photo.url} name="" size={photo} seen={seen} />
      <canvas ref={canvas} className={styles.overlay} />
      {placed && <span className={styles.frame} style={onScreen(placed, seen.view)} />}
      {(tool === "brush" || tool === "eraser") && (
        <span ref={ring} hidden className={styles.ring} style={{ width: diameter, height: diameter }} />
      )}
    </>
  );
}

/** Where an area of the photo is seen. */
function onScreen(area: Area, view: View): { left: number; top: number; width: number; height: number } {
  return {
    left: area.left * view.scale + view.x,
    top: area.top * view.scale + view.y,
    width: (area.right - area.left) * view.scale,
    height: (area.bottom - area.top) * view.scale,
  };
}
