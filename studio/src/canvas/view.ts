/** View transforms: pan, zoom, and coordinates between a viewport and the photo. */

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The transform of a photo: its pixel (x, y) is at `x * scale + view.x`, `y * scale + view.y` in CSS pixels. */
export interface View extends Point {
  scale: number;
}

/** The maximum scale, in CSS pixels for each photo pixel. */
const MAX_SCALE = 16;

/** The view that fits the whole photo, centred. */
export function fitView(photo: Size, window: Size): View {
  const scale = Math.min(window.width / photo.width, window.height / photo.height);
  return {
    scale,
    x: (window.width - photo.width * scale) / 2,
    y: (window.height - photo.height * scale) / 2,
  };
}

/** Clamp a view: never smaller than fitting, and without a gap beside the photo while it overflows. */
export function clampView(view: View, photo: Size, window: Size): View {
  const whole = fitView(photo, window);
  const scale = Math.min(Math.max(view.scale, whole.scale), Math.max(MAX_SCALE, whole.scale));
  return {
    scale,
    x: clampAxis(view.x, photo.width * scale, window.width),
    y: clampAxis(view.y, photo.height * scale, window.height),
  };
}

function clampAxis(start: number, length: number, available: number): number {
  return length <= available ? (available - length) / 2 : Math.min(0, Math.max(available - length, start));
}

/** Move the point at `from` to `to`, and scale by `factor` there. */
export function panZoomView(view: View, from: Point, to: Point, factor: number, photo: Size, window: Size): View {
  const whole = fitView(photo, window);
  const scale = Math.min(Math.max(view.scale * factor, whole.scale), Math.max(MAX_SCALE, whole.scale));
  const ratio = scale / view.scale;
  return clampView({ scale, x: to.x - (from.x - view.x) * ratio, y: to.y - (from.y - view.y) * ratio }, photo, window);
}

/** Convert a point of the viewport to a point of the photo. */
export function toPhoto(view: View, point: Point): Point {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/** The zoom factor of a wheel event, by its `deltaY` in CSS pixels; finer for a trackpad's pinch (`ctrlKey`). */
export function wheelFactor(deltaY: number, pinched: boolean): number {
  return Math.exp(-Math.max(-100, Math.min(100, deltaY)) * (pinched ? 0.01 : 0.002));
}
