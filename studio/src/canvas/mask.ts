/** Masks made from strokes: the coverage, and the PNG that is uploaded. Needs no canvas. */
import { encodeMask } from "./mask-png";
import { Raster } from "./raster";
import type { Strokes } from "./strokes";

export type { Stroke, Strokes } from "./strokes";

/** A PNG of exactly `width` × `height` pixels: white where the photo is to be filled, black elsewhere, no greys. */
export async function renderMask(strokes: Strokes, width: number, height: number): Promise<Blob> {
  return encodeMask(rasterize(strokes, width, height).data, width, height);
}

/** Whether a mask is empty without rendering it: nothing was filled since the last clear. */
export function isEmpty(strokes: Strokes): boolean {
  let empty = true;
  for (const stroke of strokes) {
    if (stroke.type === "clear") empty = true;
    else if (stroke.type === "invert" || stroke.effect === "fill") empty = false;
  }
  return empty;
}

const known = new WeakMap<Strokes, { width: number; height: number; share: number }>();

/**
 * The exact fraction of white pixels, from 0 to 1; erased pixels count as black. The service rejects a mask of 0 and,
 * if there is no prompt, a mask of 1. Cached for each list of strokes.
 */
export function coverage(strokes: Strokes, width: number, height: number): number {
  if (isEmpty(strokes)) return 0;
  return cachedCoverage(strokes, width, height) ?? cacheCoverage(strokes, rasterize(strokes, width, height));
}

/** Cache the coverage of strokes that a raster has rendered already. */
export function cacheCoverage(strokes: Strokes, raster: Raster): number {
  const last = cachedCoverage(strokes, raster.width, raster.height);
  if (last !== null) return last;
  const share = raster.coverage();
  known.set(strokes, { width: raster.width, height: raster.height, share });
  return share;
}

function cachedCoverage(strokes: Strokes, width: number, height: number): number | null {
  const last = known.get(strokes);
  return last?.width === width && last.height === height ? last.share : null;
}

function rasterize(strokes: Strokes, width: number, height: number): Raster {
  const raster = new Raster(width, height);
  raster.render(strokes);
  return raster;
}
