import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { beginStroke, extendStroke } from "./brush";
import type { PointerSample } from "./gestures";
import { cacheCoverage } from "./mask";
import styles from "./mask-editor.module.css";
import type { Tool } from "./mask-tools";
import { PhotoView } from "./photo-view";
import { EMPTY_RECT, type PixelRect, type Raster, unionRect } from "./raster";
import { rectFromCorners } from "./rectangle";
import type { BrushStroke, Stroke, Strokes } from "./strokes";
import { useGestures } from "./use-gestures";
import { useOverlay } from "./use-overlay";
import type { Viewport } from "./use-viewport";
import { type Point, type Size, toPhoto, type View } from "./view";

interface MaskCanvasProps {
  element: RefObject<HTMLDivElement | null>;
  photo: { url: string } & Size;
  viewport: Viewport;
  raster: Raster;
  strokes: Strokes;
  tool: Tool;
  /** The brush's diameter in the photo's pixels. */
  size: number;
  /** The rectangle that is being placed by keyboard. */
  frame: PixelRect | null;
  onStroke(stroke: Stroke): void;
  /** Called after the strokes were rendered, with the fraction of white pixels. */
  onCoverage(share: number): void;
  /** The area of the raster that has changed since the overlay was painted. */
  dirtyRect: RefObject<PixelRect>;
}

/** The canvas of the mask editor: the photo, the mask overlay, and the pointer's tool. */
export function MaskCanvas(props: MaskCanvasProps) {
  const { element, photo, viewport, raster, strokes, tool, size, frame, onStroke, onCoverage, dirtyRect } = props;
  const { canvas, invalidate } = useOverlay(raster, viewport);
  const liveStroke = useRef<BrushStroke | null>(null);
  const firstCorner = useRef<Point | null>(null);
  const [dragged, setDragged] = useState<PixelRect | null>(null);
  const brushCursor = useRef<HTMLSpanElement>(null);

  useLayoutEffect(() => {
    const area = unionRect(dirtyRect.current, raster.render(strokes));
    dirtyRect.current = EMPTY_RECT;
    onCoverage(cacheCoverage(strokes, raster));
    invalidate(liveStroke.current ? unionRect(area, raster.drawLive(liveStroke.current, 0)) : area);
  }, [raster, strokes, invalidate, onCoverage, dirtyRect]);

  const paintTo = (contacts: readonly PointerSample[]) => {
    const stroke = liveStroke.current;
    if (!stroke) return;
    const from = stroke.points.length / 2;
    for (const contact of contacts) extendStroke(stroke, contact, viewport.view);
    invalidate(raster.drawLive(stroke, from));
  };
  const reset = () => {
    liveStroke.current = null;
    firstCorner.current = null;
    setDragged(null);
  };

  useGestures(element, {
    wheelZooms: false,
    shouldDraw: (contact) => contact.primaryButton && tool !== "move",
    start: (contact) => {
      if (tool === "rectangle") {
        firstCorner.current = toPhoto(viewport.view, contact);
      } else {
        liveStroke.current = beginStroke(tool === "eraser" ? "erase" : "fill", size, contact);
        paintTo([contact]);
      }
    },
    draw: (contacts) => {
      const last = contacts.at(-1);
      if (firstCorner.current && last)
        setDragged(rectFromCorners(firstCorner.current, toPhoto(viewport.view, last), photo));
      else paintTo(contacts);
    },
    end: () => {
      const stroke = liveStroke.current;
      reset();
      if (stroke) {
        raster.commit(stroke);
        onStroke(stroke);
      } else if (dragged) {
        onStroke({ type: "rectangle", effect: "fill", ...dragged });
      }
    },
    cancel: () => {
      reset();
      invalidate(raster.render(strokes));
    },
    panZoom: viewport.panZoom,
    scroll: (by) => {
      if (viewport.whole) return false;
      viewport.panZoom({ x: 0, y: 0 }, by, 1);
      return true;
    },
    hover: (contact) => {
      if (!brushCursor.current) return;
      brushCursor.current.hidden = contact === null;
      if (contact) brushCursor.current.style.translate = `calc(${contact.x}px - 50%) calc(${contact.y}px - 50%)`;
    },
  });

  const shownRect = dragged ?? frame;
  const diameter = Math.max(3, size * viewport.view.scale);
  return (
    <>
      <PhotoView url={photo.url} name="" size={photo} viewport={viewport} />
      <canvas ref={canvas} className={styles.overlay} />
      {shownRect && <span className={styles.frame} style={onScreen(shownRect, viewport.view)} />}
      {(tool === "brush" || tool === "eraser") && (
        <span ref={brushCursor} hidden className={styles.cursor} style={{ width: diameter, height: diameter }} />
      )}
    </>
  );
}

/** The screen rectangle of an area of the photo, in CSS pixels. */
function onScreen(area: PixelRect, view: View): { left: number; top: number; width: number; height: number } {
  return {
    left: area.left * view.scale + view.x,
    top: area.top * view.scale + view.y,
    width: (area.right - area.left) * view.scale,
    height: (area.bottom - area.top) * view.scale,
  };
}
