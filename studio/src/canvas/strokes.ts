/** Strokes: the mask's edits as plain JSON, in the photo's pixels. */

/** Whether a stroke makes the mask white (filled by the service) or black (left unchanged). */
export type Effect = "fill" | "erase";

/** A round brush drawn along a line. */
export interface BrushStroke {
  type: "brush";
  effect: Effect;
  /** In pixels, at full pressure. */
  radius: number;
  /** x, then y of each point. */
  points: number[];
  /** The fraction of the radius at each point, above 0 and up to 1; null if all are 1. */
  pressures: number[] | null;
}

/** Whole pixels: `right` and `bottom` are exclusive. */
export interface RectangleStroke {
  type: "rectangle";
  effect: Effect;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Inverts the mask. */
export interface InvertStroke {
  type: "invert";
}

/** Clears the mask. It is a stroke, so that it can be undone. */
export interface ClearStroke {
  type: "clear";
}

export type Stroke = BrushStroke | RectangleStroke | InvertStroke | ClearStroke;

/** Strokes in chronological order; `[]` is an empty mask. */
export type Strokes = readonly Stroke[];

/** The smallest brush radius: its disc contains at least one pixel centre wherever it is. */
const MIN_RADIUS = 0.75;

/** The radius in pixels at a point of a brush stroke, by its index. */
export function radiusAt(stroke: BrushStroke, point: number): number {
  return Math.max(MIN_RADIUS, stroke.radius * (stroke.pressures?.[point] ?? 1));
}
