/** A mask as it is seen over the photo: a hatched tint with a line around it, made from the mask's own pixels. */
import type { PixelRect } from "./raster";
import type { View } from "./view";

interface Mask {
  data: Uint8Array;
  width: number;
  height: number;
}

/** What a pixel of the screen is made of. */
function colour(red: number, green: number, blue: number, alpha: number): number {
  return new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0] ?? 0;
}

const TINT = colour(255, 40, 110, 105);
const HATCH = colour(255, 40, 110, 165);
const EDGE = colour(255, 255, 255, 235);

/** CSS pixels that a hatch is wide, about. */
const PITCH = 6;

/** Where of the screen the pixels in an area of the photo are seen, with the line around them. In device pixels. */
export function visibleRect(area: PixelRect, view: View, ratio: number, width: number, height: number): PixelRect {
  const scale = view.scale * ratio;
  return {
    left: Math.max(0, Math.floor(area.left * scale + view.x * ratio) - 2),
    top: Math.max(0, Math.floor(area.top * scale + view.y * ratio) - 2),
    right: Math.min(width, Math.ceil(area.right * scale + view.x * ratio) + 2),
    bottom: Math.min(height, Math.ceil(area.bottom * scale + view.y * ratio) + 2),
  };
}

/** The photo's pixels that are seen at each place along a side of the screen: from `starts`, up to `ends`. */
interface Sources {
  starts: Int32Array;
  ends: Int32Array;
}

/** Where one screen pixel shows several of the photo's, all count; where it shows part of one, what is in its middle. */
function sources(from: number, to: number, scale: number, offset: number): Sources {
  const length = to - from;
  const middle = scale < 1 ? 0 : 0.5;
  const starts = Int32Array.from({ length }, (_, at) => Math.floor((from + at + middle - offset) / scale));
  const ends = starts.map((start, at) => (scale < 1 ? Math.floor((from + at + 1 - offset) / scale) : start + 1));
  return { starts, ends };
}

/**
 * Which device pixels in `area` of a screen show something of the mask, row by row: 1 where any of the mask's
 * pixels that fall there is white, so that nothing white is too small to be seen.
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

/** Mark where a row of the mask, cut at the photo's column `left`, is white: run by run, for there are few. */
function markRow(line: Uint8Array, row: Uint8Array, columns: Sources, left: number): void {
  let start = row.indexOf(1);
  while (start >= 0) {
    const found = row.indexOf(0, start);
    const end = found < 0 ? row.length : found;
    line.fill(1, lowerBound(columns.ends, left + start + 1), lowerBound(columns.starts, left + end));
    start = found < 0 ? -1 : row.indexOf(1, end);
  }
}

/** The index of the first of some ascending numbers that is `value` or more; their count where none is. */
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

/**
 * Colour an area of the screen, in device pixels, as the mask looks there: RGBA in `pixels`, row by row, which are
 * all 0 before.
 */
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
