/** The mask overlay: a hatched tint with a border, computed from the mask's own pixels. */
import type { PixelRect } from "./raster";
import type { View } from "./view";

interface Mask {
  data: Uint8Array;
  width: number;
  height: number;
}

/** One RGBA pixel as a 32-bit integer. */
function colour(red: number, green: number, blue: number, alpha: number): number {
  return new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0] ?? 0;
}

const TINT = colour(255, 40, 110, 105);
const HATCH = colour(255, 40, 110, 165);
const EDGE = colour(255, 255, 255, 235);

/** The width of a hatch line in CSS pixels, approximately. */
const PITCH = 6;

/** The screen rectangle of an area of the photo including the border, in device pixels. */
export function visibleRect(area: PixelRect, view: View, ratio: number, width: number, height: number): PixelRect {
  const scale = view.scale * ratio;
  return {
    left: Math.max(0, Math.floor(area.left * scale + view.x * ratio) - 2),
    top: Math.max(0, Math.floor(area.top * scale + view.y * ratio) - 2),
    right: Math.min(width, Math.ceil(area.right * scale + view.x * ratio) + 2),
    bottom: Math.min(height, Math.ceil(area.bottom * scale + view.y * ratio) + 2),
  };
}

/** The photo's pixels under each screen pixel along one axis: from `starts`, up to `ends`. */
interface Sources {
  starts: Int32Array;
  ends: Int32Array;
}

/** Map screen pixels to source pixels. Zoomed out, a screen pixel has several; zoomed in, the one at its centre. */
function sources(from: number, to: number, scale: number, offset: number): Sources {
  const length = to - from;
  const middle = scale < 1 ? 0 : 0.5;
  const starts = Int32Array.from({ length }, (_, at) => Math.floor((from + at + middle - offset) / scale));
  const ends = starts.map((start, at) => (scale < 1 ? Math.floor((from + at + 1 - offset) / scale) : start + 1));
  return { starts, ends };
}

/**
 * Which device pixels in `area` show part of the mask, row by row. A screen pixel is 1 if any mask pixel under it is
 * white, so that small strokes stay visible.
 */
export function visibleMask(mask: Mask, view: View, ratio: number, area: PixelRect): Uint8Array {
  const scale = view.scale * ratio;
  const columns = sources(area.left, area.right, scale, view.x * ratio);
  const rows = sources(area.top, area.bottom, scale, view.y * ratio);
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const left = Math.max(0, columns.starts[0] ?? 0);
  const right = Math.min(mask.width, columns.ends[width - 1] ?? 0);
  const visible = new Uint8Array(width * height);
  if (right <= left) return visible;
  for (let y = 0; y < height; y++) {
    const [start, end] = [rows.starts[y] ?? 0, rows.ends[y] ?? 0];
    if (y > 0 && rows.starts[y - 1] === start) {
      visible.copyWithin(y * width, (y - 1) * width, y * width);
      continue;
    }
    const line = visible.subarray(y * width, (y + 1) * width);
    for (let row = Math.max(0, start); row < Math.min(mask.height, end); row++) {
      markRow(line, mask.data.subarray(row * mask.width + left, row * mask.width + right), columns, left);
    }
  }
  return visible;
}

/** Mark the white runs of one mask row that is cut at the photo's column `left`. */
function markRow(line: Uint8Array, row: Uint8Array, columns: Sources, left: number): void {
  let start = row.indexOf(1);
  while (start >= 0) {
    const found = row.indexOf(0, start);
    const end = found < 0 ? row.length : found;
    line.fill(1, lowerBound(columns.ends, left + start + 1), lowerBound(columns.starts, left + end));
    start = found < 0 ? -1 : row.indexOf(1, end);
  }
}

/** The index of the first number that is at least `value` in an ascending array; its length if there is none. */
function lowerBound(numbers: Int32Array, value: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Paint an area of the overlay in device pixels: RGBA in `pixels`, row by row, which must be all 0 before. */
export function paintOverlay(mask: Mask, view: View, ratio: number, area: PixelRect, pixels: Uint32Array): void {
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const rim: PixelRect = { left: area.left - 1, top: area.top - 1, right: area.right + 1, bottom: area.bottom + 1 };
  const visible = visibleMask(mask, view, ratio, rim);
  const stride = width + 2;
  const hatch = 2 ** Math.round(Math.log2(PITCH * ratio));
  const phase = area.left + area.top - Math.round((view.x + view.y) * ratio);
  for (let y = 0; y < height; y++) {
    const line = (y + 1) * stride + 1;
    const first = visible.indexOf(1, line) - line;
    if (first < 0) return;
    for (let x = first; x < width; x++) {
      const at = line + x;
      if (visible[at] === 0) continue;
      const inside =
        (visible[at - 1] ?? 0) & (visible[at + 1] ?? 0) & (visible[at - stride] ?? 0) & (visible[at + stride] ?? 0);
      pixels[y * width + x] = inside === 0 ? EDGE : ((x + y + phase) & hatch) === 0 ? TINT : HATCH;
    }
  }
}
