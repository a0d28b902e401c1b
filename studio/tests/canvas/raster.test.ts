import { describe, expect, test } from "vitest";
import { isEmptyRect, Raster } from "@/canvas/raster";
import { type BrushStroke, radiusAt, type Stroke } from "@/canvas/strokes";
import { anyStroke, random } from "./random-strokes";

const WIDTH = 61;
const HEIGHT = 47;

function fresh(strokes: readonly Stroke[]): Uint8Array {
  const raster = new Raster(WIDTH, HEIGHT);
  raster.render(strokes);
  return raster.data;
}

/** The distance of a pixel's centre from a brush stroke, negative inside. Found by search, not by the formula. */
function outside(stroke: BrushStroke, x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY;
  const count = stroke.points.length / 2;
  for (let point = 0; point < count; point++) {
    const before = Math.max(0, point - 1);
    for (let step = 0; step <= 200; step++) {
      const share = step / 200;
      const mix = (from: number, to: number) => from + (to - from) * share;
      const away = Math.hypot(
        x + 0.5 - mix(stroke.points[2 * before] ?? 0, stroke.points[2 * point] ?? 0),
        y + 0.5 - mix(stroke.points[2 * before + 1] ?? 0, stroke.points[2 * point + 1] ?? 0),
      );
      least = Math.min(least, away - mix(radiusAt(stroke, before), radiusAt(stroke, point)));
    }
  }
  return least;
}

test("a brush fills exactly the pixels whose centres it covers", () => {
  const next = random(1);
  let sure = 0;
  for (let round = 0; round < 8; round++) {
    const stroke: BrushStroke = {
      type: "brush",
      effect: "fill",
      radius: 1 + next() * 6,
      points: Array.from({ length: 6 }, () => Math.round(next() * 220) / 10 - 1),
      pressures: round % 2 === 0 ? null : [0.2, 1, 0.5],
    };
    const raster = new Raster(20, 20);
    raster.render([stroke]);
    for (const [at, value] of raster.data.entries()) {
      const away = outside(stroke, at % 20, Math.floor(at / 20));
      if (Math.abs(away) < 0.05) continue; // the search is not exact to the last digits
      if (value !== (away < 0 ? 1 : 0)) expect.fail(`pixel ${at} of round ${round} is ${value}, and ${away} outside`);
      sure++;
    }
  }
  expect(sure).toBeGreaterThan(2500);
});

test("the smallest brush fills at least one pixel anywhere", () => {
  const next = random(2);
  for (let round = 0; round < 500; round++) {
    const raster = new Raster(9, 9);
    const [x, y] = [next() * 9, next() * 9];
    raster.render([{ type: "brush", effect: "fill", radius: 0.01, points: [x, y], pressures: [0.01] }]);
    expect(raster.data[Math.floor(y) * 9 + Math.floor(x)]).toBe(1);
  }
});

test("a rectangle fills whole pixels, right and bottom exclusive, clipped to the photo", () => {
  const raster = new Raster(4, 3);
  raster.render([{ type: "rectangle", effect: "fill", left: -5, top: 1, right: 2, bottom: 9 }]);
  expect([...raster.data]).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  expect(raster.coverage()).toBeCloseTo(4 / 12);
});

describe("incremental rendering gives the same pixels as rendering from scratch", () => {
  test.each([1, 2, 3, 4, 5, 6])("walk %i", (seed) => {
    const next = random(seed);
    const raster = new Raster(WIDTH, HEIGHT);
    let strokes: readonly Stroke[] = [];
    let undone: Stroke[] = [];
    for (let step = 0; step < 150; step++) {
      const choice = next();
      const last = strokes.at(-1);
      if (choice < 0.3 && last) {
        strokes = strokes.slice(0, -1 - Math.floor(next() * 3));
        undone = [last];
      } else if (choice < 0.4) {
        strokes = [...strokes, ...undone];
        undone = [];
      } else if (choice < 0.45) {
        strokes = strokes.map((stroke) => structuredClone(stroke)); // as from a stored draft
      } else {
        strokes = [...strokes, anyStroke(next, WIDTH, HEIGHT)];
      }
      raster.render(strokes);
      expect(raster.data).toEqual(fresh(strokes));
    }
  });
});

test("only the reported area changes", () => {
  const next = random(7);
  const raster = new Raster(WIDTH, HEIGHT);
  const strokes: Stroke[] = [];
  for (let step = 0; step < 200; step++) {
    const before = raster.data.slice();
    strokes.push(anyStroke(next, WIDTH, HEIGHT));
    const area = raster.render(strokes.slice());
    if (isEmptyRect(area)) expect(raster.data).toEqual(before);
    const outside = raster.data.findIndex((value, at) => {
      const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
      const inside = x >= area.left && x < area.right && y >= area.top && y < area.bottom;
      return !inside && value !== before[at];
    });
    expect(outside).toBe(-1);
  }
});

test("a stroke drawn in segments equals the whole stroke, and a cancelled one leaves nothing", () => {
  const next = random(8);
  const raster = new Raster(WIDTH, HEIGHT);
  let strokes: Stroke[] = [];
  for (let round = 0; round < 60; round++) {
    const whole = anyStroke(next, WIDTH, HEIGHT);
    if (whole.type !== "brush") {
      strokes = [...strokes, whole];
    } else {
      const live: BrushStroke = { ...whole, points: [], pressures: whole.pressures && [] };
      for (let point = 0; point < whole.points.length / 2; point++) {
        live.points.push(...whole.points.slice(2 * point, 2 * point + 2));
        if (whole.pressures) live.pressures?.push(whole.pressures[point] ?? 1);
        raster.drawLive(live, point);
      }
      if (next() < 0.7) {
        raster.commit(live);
        strokes = [...strokes, live];
      }
    }
    raster.render(strokes);
    expect(raster.data).toEqual(fresh(strokes));
  }
});
