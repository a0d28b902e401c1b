/** What was painted on a photo, as plain JSON in the photo's pixels: it outlives a reload in a draft. */

/** Whether a stroke makes the mask white (filled by the service) or black (left as it is). */
export type Effect = "fill" | "erase";

/** A round brush drawn along a line. */
export interface BrushStroke {
  type: "brush";
  effect: Effect;
  /** In pixels, at full pressure. */
  radius: number;
  /** x, then y of each point. */
  points: number[];
  /** The share of the radius at each point, above 0 and up to 1; null when all are 1. */
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

/** White becomes black and black white. */
export interface InvertStroke {
  type: "invert";
}

/** All is black again. It is a stroke too, so that it can be undone. */
export interface ClearStroke {
  type: "clear";
}

export type Stroke = BrushStroke | RectangleStroke | InvertStroke | ClearStroke;

/** In the order in which they were made; `[]` is an untouched photo. */
export type Strokes = readonly Stroke[];

/** The smallest brush: its disc has at least one pixel's centre in it wherever it is put. */
export const LEAST_RADIUS = 0.75;

/** The radius in pixels at a brush stroke's point, counted from 0. */
export function radiusAt(stroke: BrushStroke, point: number): number {
  return Math.max(LEAST_RADIUS, stroke.radius * (stroke.pressures?.[point] ?? 1));
}
