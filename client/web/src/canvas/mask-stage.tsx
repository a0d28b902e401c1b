import type Konva from "konva";
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { Circle, Group, Image, Layer, Rect, Stage } from "react-konva";
import { beginStroke, extendStroke } from "./brush";
import type { Contact } from "./gestures";
import { remember } from "./mask";
import styles from "./mask-editor.module.css";
import type { Tool } from "./mask-tools";
import { Photo } from "./photo";
import { type Area, around, type Raster } from "./raster";
import { between } from "./rectangle";
import type { BrushStroke, Stroke, Strokes } from "./strokes";
import { useGestures } from "./use-gestures";
import { useOverlay } from "./use-overlay";
import type { PhotoWindow } from "./use-window";
import { type Point, type Size, toPhoto } from "./view";

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
}

/** The photo, the mask over it, and what the hand is doing. */
export function MaskStage(props: MaskStageProps) {
  const { element, photo, seen, raster, strokes, tool, size, frame, onStroke, onShown } = props;
  const { canvas, layer, changed } = useOverlay(raster, seen);
  const live = useRef<BrushStroke | null>(null);
  const corner = useRef<Point | null>(null);
  const [dragged, setDragged] = useState<Area | null>(null);
  const rings = [useRef<Konva.Circle>(null), useRef<Konva.Circle>(null)] as const;

  useLayoutEffect(() => {
    const area = raster.show(strokes);
    onShown(remember(strokes, raster));
    changed(live.current ? around(area, raster.draft(live.current, 0)) : area);
  }, [raster, strokes, changed, onShown]);

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
      for (const { current: ring } of rings) {
        ring?.visible(contact !== null);
        if (contact) ring?.position(contact);
      }
    },
  });

  const placed = dragged ?? frame;
  const paints = tool === "brush" || tool === "eraser";
  const radius = Math.max(1.5, (size / 2) * seen.view.scale);
  return (
    <>
      <Photo url={photo.url} name="" size={photo} seen={seen} />
      <Stage width={seen.size.width} height={seen.size.height} listening={false} className={styles.konva ?? ""}>
        <Layer ref={layer} listening={false} imageSmoothingEnabled={false}>
          <Image image={canvas} width={seen.size.width} height={seen.size.height} />
        </Layer>
        <Layer listening={false}>
          {placed && <Frame area={placed} seen={seen} />}
          <Group visible={paints}>
            <Circle ref={rings[0]} visible={false} radius={radius} stroke="white" strokeWidth={1.5} />
            <Circle ref={rings[1]} visible={false} radius={radius + 1} stroke="black" strokeWidth={1} />
          </Group>
        </Layer>
      </Stage>
    </>
  );
}

/** A rectangle that is not painted yet: dark and light by turns, so that it is seen on any photo. */
function Frame({ area, seen: { view } }: { area: Area; seen: PhotoWindow }) {
  const place = {
    x: area.left * view.scale + view.x,
    y: area.top * view.scale + view.y,
    width: (area.right - area.left) * view.scale,
    height: (area.bottom - area.top) * view.scale,
    strokeWidth: 2,
  };
  return (
    <>
      <Rect {...place} fill="rgb(255 40 110 / 30%)" stroke="black" />
      <Rect {...place} stroke="white" dash={[8, 6]} />
    </>
  );
}
