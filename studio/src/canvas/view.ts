/** Where a photo lies in a window onto it, and how it is moved and zoomed there. */

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** A photo's pixel (x, y) is seen at `x * scale + view.x`, `y * scale + view.y`, in CSS pixels of the window. */
export interface View extends Point {
  scale: number;
}

/** CSS pixels for each of the photo's: as close as one can look. */
const CLOSEST = 16;

/** The whole photo in the middle of the window. */
export function fitView(photo: Size, window: Size): View {
  const scale = Math.min(window.width / photo.width, window.height / photo.height);
  return {
    scale,
    x: (window.width - photo.width * scale) / 2,
    y: (window.height - photo.height * scale) / 2,
  };
}

/** The nearest view that wastes no room: never smaller than fitting, and no gap at a side while the photo goes on. */
export function clampView(view: View, photo: Size, window: Size): View {
  const whole = fitView(photo, window);
  const scale = Math.min(Math.max(view.scale, whole.scale), Math.max(CLOSEST, whole.scale));
  return {
    scale,
    x: along(view.x, photo.width * scale, window.width),
    y: along(view.y, photo.height * scale, window.height),
  };
}

function along(start: number, length: number, room: number): number {
  return length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, start));
}

/** Move what is seen at `from` to `to`, `factor` times as large there. */
export function panZoomView(view: View, from: Point, to: Point, factor: number, photo: Size, window: Size): View {
  const whole = fitView(photo, window);
  const scale = Math.min(Math.max(view.scale * factor, whole.scale), Math.max(CLOSEST, whole.scale));
  const ratio = scale / view.scale;
  return clampView({ scale, x: to.x - (from.x - view.x) * ratio, y: to.y - (from.y - view.y) * ratio }, photo, window);
}

/** The place in the photo that is seen at a place in the window. */
export function toPhoto(view: View, point: Point): Point {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/** How a turn of the wheel zooms: its `deltaY` in CSS pixels, finer where a trackpad's pinch makes it (`ctrlKey`). */
export function wheelFactor(deltaY: number, pinched: boolean): number {
  return Math.exp(-Math.max(-100, Math.min(100, deltaY)) * (pinched ? 0.01 : 0.002));
}
