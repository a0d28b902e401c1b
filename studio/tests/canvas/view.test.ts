import { expect, test } from "vitest";
import { clampView, fitView, panZoomView, toPhoto, wheelFactor } from "@/canvas/view";
import { random } from "./random-strokes";

const PHOTO = { width: 4000, height: 3000 };
const WINDOW = { width: 800, height: 400 };

test("the first view fits the whole photo, centred", () => {
  const view = fitView(PHOTO, WINDOW);
  expect(view.scale).toBeCloseTo(400 / 3000);
  expect(view.y).toBeCloseTo(0);
  expect(view.x).toBeCloseTo((800 - 4000 * view.scale) / 2);
});

test("the point under the fingers stays under them while zooming", () => {
  const view = panZoomView(fitView(PHOTO, WINDOW), { x: 400, y: 200 }, { x: 400, y: 200 }, 4, PHOTO, WINDOW);
  const at = { x: 350, y: 180 };
  const before = toPhoto(view, at);
  const after = toPhoto(panZoomView(view, at, at, 1.3, PHOTO, WINDOW), at);
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

test("panning never leaves the photo or an avoidable gap", () => {
  const next = random(21);
  let view = fitView(PHOTO, WINDOW);
  for (let step = 0; step < 500; step++) {
    const from = { x: next() * 800, y: next() * 400 };
    const to = { x: from.x + (next() - 0.5) * 2000, y: from.y + (next() - 0.5) * 2000 };
    view = panZoomView(view, from, to, Math.exp((next() - 0.5) * 3), PHOTO, WINDOW);
    expect(view.scale).toBeGreaterThanOrEqual(400 / 3000 - 1e-9);
    expect(view.scale).toBeLessThanOrEqual(16);
    const right = view.x + PHOTO.width * view.scale;
    if (PHOTO.width * view.scale >= 800) {
      expect(view.x).toBeLessThanOrEqual(1e-9);
      expect(right).toBeGreaterThanOrEqual(800 - 1e-6);
    } else {
      expect(view.x).toBeCloseTo(800 - right);
    }
    expect(clampView(view, PHOTO, WINDOW)).toEqual(view);
  }
});

test("the wheel zooms in when scrolled up, by a limited factor an event", () => {
  expect(wheelFactor(-100, false)).toBeGreaterThan(1);
  expect(wheelFactor(100, false)).toBeCloseTo(1 / wheelFactor(-100, false));
  expect(wheelFactor(-1e6, true)).toBeLessThan(3);
});
