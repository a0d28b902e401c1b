/** Geometry of detected objects: outlines, hit tests, and one interior point for each object. */
import type { FoundObject } from "@/contract/types";
import type { Point, Size } from "./view";

/** A point as fractions of the photo's width and height. */
export type RelativePoint = [number, number];

/** Cells along each side of the grid that is searched for an interior point. */
const CELLS = 64;

/** An object's outline: its rings, or its box where it has none. */
export function ringsOf({ outlines, box: [left, top, right, bottom] }: FoundObject): [number, number][][] {
  if (outlines.length > 0) return outlines;
  return [
    [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ],
  ];
}

/** Whether a point lies inside an object's outline (even-odd rule). */
export function containsPoint(object: FoundObject, { x, y }: Point): boolean {
  return crossings(object, y).filter((crossing) => x < crossing).length % 2 === 1;
}

/** The x coordinates at which an object's rings cross a row of the photo. */
function crossings(object: FoundObject, y: number): number[] {
  const found: number[] = [];
  for (const ring of ringsOf(object)) {
    let [x1, y1] = ring.at(-1) ?? [0, 0];
    for (const [x2, y2] of ring) {
      if (y1 > y !== y2 > y) found.push(x1 + ((x2 - x1) * (y - y1)) / (y2 - y1));
      [x1, y1] = [x2, y2];
    }
  }
  return found;
}

/**
 * The index of the object at a point: the smallest that contains it, else one within `reach` pixels. -1 if there is
 * none.
 */
export function objectAt(objects: readonly FoundObject[], point: Point, reach = 0): number {
  let bestIndex = -1;
  for (const [index, object] of objects.entries()) {
    if (containsPoint(object, point) && (bestIndex < 0 || object.area < (objects[bestIndex]?.area ?? 0)))
      bestIndex = index;
  }
  let nearest = reach;
  if (bestIndex >= 0 || reach === 0) return bestIndex;
  for (const [index, object] of objects.entries()) {
    const away = distance(object, point);
    if (away <= nearest) [bestIndex, nearest] = [index, away];
  }
  return bestIndex;
}

/** The distance in pixels from a point outside an object to its outline. */
function distance(object: FoundObject, { x, y }: Point): number {
  let least = Number.POSITIVE_INFINITY;
  for (const ring of ringsOf(object)) {
    let [x1, y1] = ring.at(-1) ?? [0, 0];
    for (const [x2, y2] of ring) {
      const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
      const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
      least = Math.min(least, Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)));
      [x1, y1] = [x2, y2];
    }
  }
  return least;
}

/**
 * A point inside each object that identifies it: as deep as possible and outside all other objects. If there is none,
 * it is only outside the smaller objects, else anywhere inside.
 */
export function interiorPoints(objects: readonly FoundObject[], photo: Size): RelativePoint[] {
  return objects.map((object) => {
    const others = objects.filter((other) => other !== object);
    const place = deepest(object, others) ??
      deepest(
        object,
        others.filter((other) => other.area < object.area),
      ) ??
      deepest(object, []) ?? { x: (object.box[0] + object.box[2]) / 2, y: (object.box[1] + object.box[3]) / 2 };
    return [share(place.x, photo.width), share(place.y, photo.height)];
  });
}

function share(place: number, length: number): number {
  return Math.round(Math.max(0, Math.min(1, place / length)) * 1e6) / 1e6;
}

/** The centre of the cell that is farthest from the object's outline and from all others. */
function deepest(object: FoundObject, others: readonly FoundObject[]): Point | null {
  const [left, top, right, bottom] = object.box;
  const depth = new Float64Array(CELLS * CELLS);
  fillCells(depth, object, object.box, Number.POSITIVE_INFINITY);
  for (const other of others) {
    const apart = other.box[0] > right || other.box[2] < left || other.box[1] > bottom || other.box[3] < top;
    if (!apart) fillCells(depth, other, object.box, 0);
  }
  distanceTransform(depth, (right - left) / CELLS, (bottom - top) / CELLS);
  let bestIndex = 0;
  for (const [cell, value] of depth.entries()) if (value > (depth[bestIndex] ?? 0)) bestIndex = cell;
  if ((depth[bestIndex] ?? 0) === 0) return null;
  return {
    x: left + (((bestIndex % CELLS) + 0.5) / CELLS) * (right - left),
    y: top + ((Math.floor(bestIndex / CELLS) + 0.5) / CELLS) * (bottom - top),
  };
}

/** Set the cells of a grid over `box` whose centres the object covers. */
function fillCells(cells: Float64Array, object: FoundObject, box: FoundObject["box"], value: number): void {
  const [left, top, right, bottom] = box;
  /** The first column whose centre is not left of `x`. */
  const columnAt = (x: number) => Math.max(0, Math.min(CELLS, Math.ceil(((x - left) / (right - left)) * CELLS - 0.5)));
  for (let row = 0; row < CELLS; row++) {
    const ends = crossings(object, top + ((row + 0.5) / CELLS) * (bottom - top)).sort((one, other) => one - other);
    for (let at = 0; at + 1 < ends.length; at += 2) {
      cells.fill(value, row * CELLS + columnAt(ends[at] ?? 0), row * CELLS + columnAt(ends[at + 1] ?? 0));
    }
  }
}

/** Distance transform: replace 0 and infinity by the distance to the nearest 0 or the grid's edge. */
function distanceTransform(depth: Float64Array, across: number, down: number): void {
  const slanted = Math.hypot(across, down);
  const at = (column: number, row: number) =>
    column < 0 || row < 0 || column >= CELLS || row >= CELLS ? 0 : (depth[row * CELLS + column] ?? 0);
  const relax = (cell: number, turn: 1 | -1) => {
    const [column, row] = [cell % CELLS, Math.floor(cell / CELLS)];
    depth[cell] = Math.min(
      depth[cell] ?? 0,
      at(column - turn, row) + across,
      at(column, row - turn) + down,
      at(column - turn, row - turn) + slanted,
      at(column + turn, row - turn) + slanted,
    );
  };
  for (let cell = 0; cell < depth.length; cell++) relax(cell, 1);
  for (let cell = depth.length - 1; cell >= 0; cell--) relax(cell, -1);
}

/** The index of the object at each point: the one whose own point it is, else the one that contains it. -1 for none. */
export function objectsAtPoints(
  objects: readonly FoundObject[],
  points: readonly RelativePoint[],
  chosen: readonly RelativePoint[],
  photo: Size,
) {
  return chosen.map(([x, y]) => {
    const own = points.findIndex((point) => point[0] === x && point[1] === y);
    return own >= 0 ? own : objectAt(objects, { x: x * photo.width, y: y * photo.height });
  });
}
