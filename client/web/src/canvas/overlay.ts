/** A mask as it is seen over the photo: a hatched tint with a line around it, made from the mask's own pixels. */
import type { Area } from "./raster";
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

const BARE = 0;
const TINT = colour(255, 40, 110, 105);
const HATCH = colour(255, 40, 110, 165);
const EDGE = colour(255, 255, 255, 235);

/** Screen pixels, at a ratio of 1, between two hatches. */
const PITCH = 6;

/** Where of the screen the pixels in an area of the photo are seen, with the line around them. In device pixels. */
export function seenArea(area: Area, view: View, ratio: number, width: number, height: number): Area {
  const scale = view.scale * ratio;
  return {
    left: Math.max(0, Math.floor(area.left * scale + view.x * ratio) - 2),
    top: Math.max(0, Math.floor(area.top * scale + view.y * ratio) - 2),
    right: Math.min(width, Math.ceil(area.right * scale + view.x * ratio) + 2),
    bottom: Math.min(height, Math.ceil(area.bottom * scale + view.y * ratio) + 2),
  };
}

/** The photo's pixels seen in one row or column of the screen: from, and up to. One at least; none outside. */
function sources(from: number, to: number, scale: number, offset: number, limit: number): [Int32Array, Int32Array] {
  const starts = new Int32Array(to - from);
  const ends = new Int32Array(to - from);
  for (let at = from; at < to; at++) {
    // Where one screen pixel shows several, all count; where it shows part of one, what is in its middle.
    const [first, last] =
      scale < 1
        ? [Math.floor((at - offset) / scale), Math.floor((at + 1 - offset) / scale)]
        : [Math.floor((at + 0.5 - offset) / scale), Math.floor((at + 0.5 - offset) / scale) + 1];
    starts[at - from] = Math.max(0, Math.min(limit, first));
    ends[at - from] = Math.max(0, Math.min(limit, Math.max(last, first + 1)));
  }
  return [starts, ends];
}

/**
 * Which device pixels in `area` of a screen show something of the mask, row by row: 1 where any of the mask's
 * pixels that fall there is white, so that nothing white is too small to be seen.
 */
export function seenMask(mask: Mask, view: View, ratio: number, area: Area): Uint8Array {
  const scale = view.scale * ratio;
  const [lefts, rights] = sources(area.left, area.right, scale, view.x * ratio, mask.width);
  const [tops, bottoms] = sources(area.top, area.bottom, scale, view.y * ratio, mask.height);
  const width = area.right - area.left;
  const height = area.bottom - area.top;
  const seen = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = y * width;
    for (let row = tops[y] ?? 0; row < (bottoms[y] ?? 0); row++) {
      const start = row * mask.width;
      for (let x = 0; x < width; x++) {
        const end = rights[x] ?? 0;
        for (let column = lefts[x] ?? 0; column < end; column++) {
          if (mask.data[start + column] === 1) {
            seen[line + x] = 1;
            break;
          }
        }
      }
    }
  }
  return seen;
}

/** Colour an area of the screen, in device pixels, as the mask looks there: RGBA in `pixels`, row by row. */
export function paintOverlay(mask: Mask, view: View, ratio: number, area: Area, pixels: Uint32Array): void {
  const rim: Area = { left: area.left - 1, top: area.top - 1, right: area.right + 1, bottom: area.bottom + 1 };
  const seen = seenMask(mask, view, ratio, rim);
  const stride = rim.right - rim.left;
  const pitch = Math.max(2, Math.round(PITCH * ratio));
  const phase = Math.round((view.x + view.y) * ratio);
  const width = area.right - area.left;
  for (let y = area.top; y < area.bottom; y++) {
    for (let x = area.left; x < area.right; x++) {
      const at = (y - rim.top) * stride + (x - rim.left);
      const target = (y - area.top) * width + (x - area.left);
      if (seen[at] === 0) {
        pixels[target] = BARE;
        continue;
      }
      const inside = seen[at - 1] === 1 && seen[at + 1] === 1 && seen[at - stride] === 1 && seen[at + stride] === 1;
      const hatch = (((x + y - phase) % (2 * pitch)) + 2 * pitch) % (2 * pitch) < pitch;
      pixels[target] = inside ? (hatch ? HATCH : TINT) : EDGE;
    }
  }
}
