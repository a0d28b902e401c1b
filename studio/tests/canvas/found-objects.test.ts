import { expect, test } from "vitest";
import { containsPoint, interiorPoints, objectAt, objectsAtPoints } from "@/canvas/found-objects";
import type { FoundObject } from "@/contract/types";
import { random } from "./random-strokes";

const PHOTO = { width: 1000, height: 800 };

function thing(outlines: [number, number][][], box?: FoundObject["box"]): FoundObject {
  const corners = outlines.flat();
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const around = box ?? [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const area = ((around[2] - around[0]) * (around[3] - around[1])) / (PHOTO.width * PHOTO.height);
  return { label: "thing", box: around, score: 1, area, kept: false, outlines };
}

function square(left: number, top: number, side: number): [number, number][] {
  return [
    [left, top],
    [left + side, top],
    [left + side, top + side],
    [left, top + side],
  ];
}

const place = ([x, y]: [number, number]) => ({ x: x * PHOTO.width, y: y * PHOTO.height });

test("a hole in an object is outside it", () => {
  const frame = thing([square(100, 100, 300), square(200, 200, 100)]);
  expect(containsPoint(frame, { x: 150, y: 150 })).toBe(true);
  expect(containsPoint(frame, { x: 250, y: 250 })).toBe(false);
  const [point] = interiorPoints([frame], PHOTO);
  expect(point && containsPoint(frame, place(point))).toBe(true);
});

test("an object without outlines is its box", () => {
  const lamp = thing([], [10, 10, 60, 300]);
  expect(objectAt([lamp], { x: 30, y: 100 })).toBe(0);
  expect(objectAt([lamp], { x: 100, y: 100 })).toBe(-1);
});

test("of overlapping objects the smallest is hit, and each has its own interior point", () => {
  const [sofa, cushion] = [thing([square(100, 100, 400)]), thing([square(150, 150, 80)])];
  expect(objectAt([sofa, cushion], { x: 190, y: 190 })).toBe(1);
  expect(objectAt([sofa, cushion], { x: 400, y: 400 })).toBe(0);
  const points = interiorPoints([sofa, cushion], PHOTO);
  expect(points.map((point) => objectAt([sofa, cushion], place(point)))).toEqual([0, 1]);
  expect(points[0] && containsPoint(cushion, place(points[0]))).toBe(false);
});

test("a touch near a small object hits it", () => {
  const vase = thing([square(500, 500, 10)]);
  expect(objectAt([vase], { x: 490, y: 505 })).toBe(-1);
  expect(objectAt([vase], { x: 490, y: 505 }, 15)).toBe(0);
  expect(objectAt([vase], { x: 480, y: 505 }, 15)).toBe(-1);
});

test("for any shapes, the interior point lies inside the object and hits it", () => {
  const next = random(31);
  for (let round = 0; round < 20; round++) {
    const objects = Array.from({ length: 6 }, () => {
      const [x, y] = [100 + next() * 800, 100 + next() * 600];
      const star = Array.from({ length: 9 }, (_, corner): [number, number] => {
        const radius = 15 + next() * 85;
        return [x + radius * Math.cos((corner * 2 * Math.PI) / 9), y + radius * Math.sin((corner * 2 * Math.PI) / 9)];
      });
      return thing([star]);
    });
    const points = interiorPoints(objects, PHOTO);
    for (const [index, object] of objects.entries()) {
      const point = points[index];
      expect(point && containsPoint(object, place(point))).toBe(true);
    }
    expect(objectsAtPoints(objects, points, points, PHOTO)).toEqual([0, 1, 2, 3, 4, 5]);
  }
});
