/** Brush strokes: sizes, and how a stroke grows while the pointer moves. */
import type { PointerSample } from "./gestures";
import type { BrushStroke, Effect } from "./strokes";
import { toPhoto, type View } from "./view";

/** The smallest and largest brush for a photo: its diameter in pixels. */
function brushSizes(width: number, height: number): { min: number; max: number } {
  return { min: 2, max: Math.max(16, Math.round(Math.max(width, height) / 2)) };
}

/** The brush diameter at a slider position from 0 to 100. Each step grows it by the same factor. */
export function sizeAt(position: number, width: number, height: number): number {
  const { min, max } = brushSizes(width, height);
  return min * (max / min) ** (Math.max(0, Math.min(100, position)) / 100);
}

/** The slider position of a brush diameter: the inverse of `sizeAt`. */
export function sliderPosition(size: number, width: number, height: number): number {
  const { min, max } = brushSizes(width, height);
  return (100 * Math.log(size / min)) / Math.log(max / min);
}

/** Begin a stroke of one point. A pen's pressure is used; other pointers draw at full size. */
export function beginStroke(effect: Effect, size: number, contact: PointerSample): BrushStroke {
  return {
    type: "brush",
    effect,
    radius: Math.round(size * 5) / 10,
    points: [],
    pressures: contact.type === "pen" ? [] : null,
  };
}

/** Extend a stroke to a pointer sample. Returns false if that is too near to the last point. */
export function extendStroke(stroke: BrushStroke, contact: PointerSample, view: View): boolean {
  const { x, y } = toPhoto(view, contact);
  const [lastX, lastY] = stroke.points.slice(-2);
  if (lastX !== undefined && lastY !== undefined && Math.hypot(x - lastX, y - lastY) * view.scale < 1) return false;
  stroke.points.push(Math.round(x * 10) / 10, Math.round(y * 10) / 10);
  // A light touch still paints a line: a quarter of the brush.
  stroke.pressures?.push(Math.round((0.25 + 0.75 * contact.pressure) * 100) / 100);
  return true;
}
