/** Seeded random strokes for the canvas tests. */
import type { Stroke } from "@/canvas/strokes";

/** A random number generator from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A random stroke on a photo, also beyond its edges. */
export function anyStroke(next: () => number, width: number, height: number): Stroke {
  const effect = next() < 0.6 ? "fill" : "erase";
  const place = (size: number) => Math.round((next() * 1.4 - 0.2) * size * 10) / 10;
  const choice = next();
  if (choice < 0.05) return { type: "clear" };
  if (choice < 0.15) return { type: "invert" };
  if (choice < 0.35) {
    const [left, top] = [Math.round(place(width)), Math.round(place(height))];
    return {
      type: "rectangle",
      effect,
      left,
      top,
      right: left + Math.floor(next() * width),
      bottom: top + Math.floor(next() * height),
    };
  }
  const count = 1 + Math.floor(next() * 6);
  return {
    type: "brush",
    effect,
    radius: 0.5 + next() * 12,
    points: Array.from({ length: count }, () => [place(width), place(height)]).flat(),
    pressures: next() < 0.5 ? null : Array.from({ length: count }, () => 0.05 + next() * 0.95),
  };
}
