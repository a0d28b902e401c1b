/** The rasterizer: turns strokes into mask pixels, both for the overlay and for the uploaded PNG. */
import { type BrushStroke, radiusAt, type Stroke, type Strokes } from "./strokes";

/** A rectangle of whole pixels: `right` and `bottom` are exclusive. Empty unless they exceed `left` and `top`. */
export interface PixelRect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const EMPTY_RECT: PixelRect = { left: 0, top: 0, right: 0, bottom: 0 };

/** Whether a rectangle contains no pixel. */
export function isEmptyRect(area: PixelRect): boolean {
  return area.right <= area.left || area.bottom <= area.top;
}

/** The smallest rectangle that contains both. */
export function unionRect(one: PixelRect, other: PixelRect): PixelRect {
  if (isEmptyRect(one)) return other;
  if (isEmptyRect(other)) return one;
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

/** A disc: its centre and radius in pixels. */
interface Disc {
  x: number;
  y: number;
  radius: number;
}

/** The number of strokes between two undo snapshots. */
const STRIDE = 16;

/** An undo snapshot: its number of strokes, and run lengths that alternate between black and white. */
interface Snapshot {
  count: number;
  runs: Uint32Array;
}

/** A mask bitmap. A pixel is 1 (white) if its centre lies in what was filled last, else 0 (black). */
export class Raster {
  readonly data: Uint8Array;
  #applied: Stroke[] = [];
  #snapshots: Snapshot[] = [];
  #drafted = false;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8Array(width * height);
  }

  /** Render a list of strokes, reusing what is unchanged. Returns the area whose pixels may have changed. */
  render(strokes: Strokes): PixelRect {
    let same = 0;
    while (same < this.#applied.length && same < strokes.length && this.#applied[same] === strokes[same]) same++;
    let changed = EMPTY_RECT;
    if (this.#drafted || same < this.#applied.length) {
      this.#restore(same);
      changed = this.#fullRect();
    }
    for (const stroke of strokes.slice(this.#applied.length)) {
      changed = unionRect(changed, this.#apply(stroke));
      this.#record(stroke);
    }
    return changed;
  }

  /**
   * Draw the new segments of an unfinished stroke, from the point `from` on. `commit` adds the stroke; `render` removes
   * it again.
   */
  drawLive(stroke: BrushStroke, from: number): PixelRect {
    this.#drafted = true;
    return this.#brush(stroke, from);
  }

  /** Add the stroke that `drawLive` has drawn. */
  commit(stroke: BrushStroke): void {
    this.#drafted = false;
    this.#record(stroke);
  }

  /** The fraction of white pixels, from 0 to 1. */
  coverage(): number {
    let white = 0;
    this.#runs((length, value) => {
      white += value * length;
    });
    return white / this.data.length;
  }

  #record(stroke: Stroke): void {
    this.#applied.push(stroke);
    if (this.#applied.length % STRIDE === 0) {
      const runs: number[] = [];
      this.#runs((length) => runs.push(length));
      this.#snapshots.push({ count: this.#applied.length, runs: Uint32Array.from(runs) });
    }
  }

  /** Restore the newest snapshot of at most `count` strokes. */
  #restore(count: number): void {
    while ((this.#snapshots.at(-1)?.count ?? 0) > count) this.#snapshots.pop();
    const snapshot = this.#snapshots.at(-1);
    this.#applied.length = snapshot?.count ?? 0;
    this.#drafted = false;
    this.data.fill(0);
    let at = 0;
    for (const [index, length] of snapshot?.runs.entries() ?? []) {
      if (index % 2 === 1) this.data.fill(1, at, at + length);
      at += length;
    }
  }

  /** Visit each run's length and value in order, beginning with a black one, which may have length 0. */
  #runs(take: (length: number, value: 0 | 1) => void): void {
    let at = 0;
    let value: 0 | 1 = 0;
    while (at < this.data.length) {
      const other: 0 | 1 = value === 0 ? 1 : 0;
      const found = this.data.indexOf(other, at);
      const end = found < 0 ? this.data.length : found;
      take(end - at, value);
      at = end;
      value = other;
    }
  }

  #fullRect(): PixelRect {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  #apply(stroke: Stroke): PixelRect {
    switch (stroke.type) {
      case "brush":
        return this.#brush(stroke, 0);
      case "rectangle":
        return this.#rectangle(stroke, stroke.effect === "fill" ? 1 : 0);
      case "invert":
        for (let at = 0; at < this.data.length; at++) this.data[at] = this.data[at] === 0 ? 1 : 0;
        return this.#fullRect();
      case "clear":
        this.data.fill(0);
        return this.#fullRect();
    }
  }

  #rectangle(area: PixelRect, value: 0 | 1): PixelRect {
    const clipped = {
      left: Math.max(0, area.left),
      top: Math.max(0, area.top),
      right: Math.min(this.width, area.right),
      bottom: Math.min(this.height, area.bottom),
    };
    if (isEmptyRect(clipped)) return EMPTY_RECT;
    for (let row = clipped.top; row < clipped.bottom; row++) {
      this.data.fill(value, row * this.width + clipped.left, row * this.width + clipped.right);
    }
    return clipped;
  }

  #brush(stroke: BrushStroke, from: number): PixelRect {
    const value = stroke.effect === "fill" ? 1 : 0;
    let changed = EMPTY_RECT;
    for (let point = from; point < stroke.points.length / 2; point++) {
      const end = discAt(stroke, point);
      changed = unionRect(changed, this.#capsule(point === 0 ? end : discAt(stroke, point - 1), end, value));
    }
    return changed;
  }

  /** Fill the convex hull of two discs: one segment of a brush stroke. */
  #capsule(from: Disc, to: Disc, value: 0 | 1): PixelRect {
    const top = Math.max(0, Math.ceil(Math.min(from.y - from.radius, to.y - to.radius) - 0.5));
    const bottom = Math.min(this.height, Math.floor(Math.max(from.y + from.radius, to.y + to.radius) - 0.5) + 1);
    const tangents = tangentsOf(from, to);
    let changed = EMPTY_RECT;
    for (let row = top; row < bottom; row++) {
      const span = { left: Number.POSITIVE_INFINITY, right: Number.NEGATIVE_INFINITY };
      widenByDisc(span, from, row + 0.5);
      widenByDisc(span, to, row + 0.5);
      for (const tangent of tangents) widenByLine(span, tangent, row + 0.5);
      const left = Math.max(0, Math.ceil(span.left - 0.5));
      const right = Math.min(this.width, Math.floor(span.right - 0.5) + 1);
      if (right <= left) continue;
      this.data.fill(value, row * this.width + left, row * this.width + right);
      changed = unionRect(changed, { left, top: row, right, bottom: row + 1 });
    }
    return changed;
  }
}

function discAt(stroke: BrushStroke, point: number): Disc {
  return { x: stroke.points[2 * point] ?? 0, y: stroke.points[2 * point + 1] ?? 0, radius: radiusAt(stroke, point) };
}

/** The part of a row inside a shape: from `left` to `right`, as real numbers. */
interface Span {
  left: number;
  right: number;
}

interface Line {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** The two outer tangents of two discs, from tangent point to tangent point. */
function tangentsOf(one: Disc, other: Disc): Line[] {
  const dx = other.x - one.x;
  const dy = other.y - one.y;
  const distance = Math.hypot(dx, dy);
  if (distance <= Math.abs(one.radius - other.radius)) return []; // one disc contains the other
  const along = (one.radius - other.radius) / distance;
  const across = Math.sqrt(1 - along * along);
  return [across, -across].map((side) => {
    const nx = (dx * along - dy * side) / distance;
    const ny = (dy * along + dx * side) / distance;
    return {
      x1: one.x + one.radius * nx,
      y1: one.y + one.radius * ny,
      x2: other.x + other.radius * nx,
      y2: other.y + other.radius * ny,
    };
  });
}

function widenByDisc(span: Span, disc: Disc, y: number): void {
  const half = disc.radius ** 2 - (y - disc.y) ** 2;
  if (half < 0) return;
  span.left = Math.min(span.left, disc.x - Math.sqrt(half));
  span.right = Math.max(span.right, disc.x + Math.sqrt(half));
}

function widenByLine(span: Span, line: Line, y: number): void {
  if (line.y1 === line.y2 || y < Math.min(line.y1, line.y2) || y > Math.max(line.y1, line.y2)) return;
  const x = line.x1 + ((line.x2 - line.x1) * (y - line.y1)) / (line.y2 - line.y1);
  span.left = Math.min(span.left, x);
  span.right = Math.max(span.right, x);
}
