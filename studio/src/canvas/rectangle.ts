/** The rectangle tool: placement by keyboard or by numbers, in whole pixels of the photo. */
import type { PixelRect } from "./raster";
import type { Point, Size } from "./view";

/** A centred rectangle of two fifths of the photo's size. */
export function centeredRect(photo: Size): PixelRect {
  return {
    left: Math.round(photo.width * 0.3),
    top: Math.round(photo.height * 0.3),
    right: Math.max(Math.round(photo.width * 0.7), Math.round(photo.width * 0.3) + 1),
    bottom: Math.max(Math.round(photo.height * 0.7), Math.round(photo.height * 0.3) + 1),
  };
}

/** The rectangle of all pixels between two corners, partial ones included. Null outside the photo. */
export function rectFromCorners(one: Point, other: Point, photo: Size): PixelRect | null {
  const area = {
    left: Math.max(0, Math.floor(Math.min(one.x, other.x))),
    top: Math.max(0, Math.floor(Math.min(one.y, other.y))),
    right: Math.min(photo.width, Math.ceil(Math.max(one.x, other.x))),
    bottom: Math.min(photo.height, Math.ceil(Math.max(one.y, other.y))),
  };
  return area.right > area.left && area.bottom > area.top ? area : null;
}

/** Clamp a rectangle to the photo, at least one pixel large. */
export function clampRect(area: PixelRect, photo: Size): PixelRect {
  const width = Math.max(1, Math.min(photo.width, Math.round(area.right - area.left)));
  const height = Math.max(1, Math.min(photo.height, Math.round(area.bottom - area.top)));
  const left = Math.max(0, Math.min(photo.width - width, Math.round(area.left)));
  const top = Math.max(0, Math.min(photo.height - height, Math.round(area.top)));
  return { left, top, right: left + width, bottom: top + height };
}

const DIRECTIONS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The direction of an arrow key; null for other keys. */
export function arrowDirection(key: string): Point | null {
  return DIRECTIONS[key] ?? null;
}

/** Move a rectangle, or only its lower right corner (`resize`), by a hundredth of the photo's longer side. */
export function nudge(area: PixelRect, direction: Point, resize: boolean, photo: Size): PixelRect {
  const step = Math.max(1, Math.round(Math.max(photo.width, photo.height) / 100));
  const [x, y] = [direction.x * step, direction.y * step];
  if (!resize) {
    return clampRect({ left: area.left + x, top: area.top + y, right: area.right + x, bottom: area.bottom + y }, photo);
  }
  return {
    ...area,
    right: Math.min(photo.width, Math.max(area.left + 1, area.right + x)),
    bottom: Math.min(photo.height, Math.max(area.top + 1, area.bottom + y)),
  };
}
