import type Konva from "konva";
import type { Context } from "konva/lib/Context";
import { Circle, Group, Layer, Line, Shape, Stage, Text } from "react-konva";
import type { FoundObject } from "@/contract/types";
import { type RelativePoint, ringsOf } from "./found-objects";
import styles from "./object-picker.module.css";
import type { Viewport } from "./use-viewport";

interface ObjectOutlinesProps {
  viewport: Viewport;
  objects: readonly FoundObject[];
  /** The position of each object's number. */
  points: readonly RelativePoint[];
  chosen: ReadonlySet<number>;
  /** The index of the object that is hovered, or focused in the list; -1 for none. */
  highlighted: number;
}

/** CSS pixels: the radius of a number's disc, and the smallest object that shows one unasked. */
const BADGE_RADIUS = 11;
const MIN_LABELLED_SIDE = 28;

/** Konva outlines of detected objects with their numbers. Chosen objects are tinted and have a check mark. */
export function ObjectOutlines({ viewport, objects, points, chosen, highlighted }: ObjectOutlinesProps) {
  const { width, height } = viewport.size;
  // Largest first, so that smaller objects are drawn over them, and the highlighted one over all.
  const order = objects
    .map((object, index) => ({ object, index }))
    .sort(
      (one, other) =>
        Number(one.index === highlighted) - Number(other.index === highlighted) || other.object.area - one.object.area,
    );
  return (
    <Stage width={width} height={height} listening={false} className={styles.konva ?? ""}>
      <Layer listening={false}>
        {order.map(({ object, index }) => (
          <Outline
            key={index}
            object={object}
            viewport={viewport}
            chosen={chosen.has(index)}
            highlighted={highlighted === index}
          />
        ))}
        {order.map(({ object, index }) => {
          const side = Math.min(object.box[2] - object.box[0], object.box[3] - object.box[1]) * viewport.view.scale;
          const [x, y] = points[index] ?? [0, 0];
          if (side < MIN_LABELLED_SIDE && highlighted !== index && !chosen.has(index)) return null;
          return (
            <Group
              key={index}
              x={viewport.view.x + x * (width - 2 * viewport.view.x)}
              y={viewport.view.y + y * (height - 2 * viewport.view.y)}
            >
              <Badge number={index + 1} chosen={chosen.has(index)} />
            </Group>
          );
        })}
      </Layer>
    </Stage>
  );
}

interface OutlineProps {
  object: FoundObject;
  viewport: Viewport;
  chosen: boolean;
  highlighted: boolean;
}

/** An outline with a dark and a light line, visible on any photo. */
function Outline({ object, viewport: { view }, chosen, highlighted }: OutlineProps) {
  const lineWidth = highlighted ? 3 : chosen ? 2.5 : 1.5;
  const path = {
    fillRule: "evenodd" as const,
    sceneFunc: (context: Context, shape: Konva.Shape) => {
      context.beginPath();
      for (const ring of ringsOf(object)) {
        for (const [corner, [x, y]] of ring.entries()) {
          const place = [x * view.scale + view.x, y * view.scale + view.y] as const;
          if (corner === 0) context.moveTo(...place);
          else context.lineTo(...place);
        }
        context.closePath();
      }
      context.fillStrokeShape(shape);
    },
  };
  return (
    <>
      <Shape {...path} stroke="rgb(0 0 0 / 70%)" strokeWidth={lineWidth + 2} lineJoin="round" />
      <Shape
        {...path}
        stroke="white"
        strokeWidth={lineWidth}
        lineJoin="round"
        fill={chosen ? "rgb(255 40 110 / 45%)" : highlighted ? "rgb(255 255 255 / 25%)" : ""}
      />
    </>
  );
}

function Badge({ number, chosen }: { number: number; chosen: boolean }) {
  return (
    <>
      <Circle
        radius={BADGE_RADIUS}
        fill={chosen ? "rgb(190 10 75)" : "rgb(20 20 20 / 85%)"}
        stroke="white"
        strokeWidth={1.5}
      />
      {chosen ? (
        <Line points={[-5, 0, -1.5, 4, 5, -4]} stroke="white" strokeWidth={2.5} lineCap="round" lineJoin="round" />
      ) : (
        <Text
          text={String(number)}
          x={-BADGE_RADIUS}
          y={-BADGE_RADIUS}
          width={2 * BADGE_RADIUS}
          height={2 * BADGE_RADIUS + 1}
          align="center"
          verticalAlign="middle"
          fill="white"
          fontSize={12}
          fontStyle="bold"
          fontFamily="system-ui, sans-serif"
        />
      )}
    </>
  );
}
