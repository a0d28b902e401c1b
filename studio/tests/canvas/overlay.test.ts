import { expect, test } from "vitest";
import { paintOverlay, visibleMask, visibleRect } from "@/canvas/overlay";
import { type PixelRect, Raster } from "@/canvas/raster";
import { fitView, panZoomView, type View } from "@/canvas/view";
import { anyStroke, random } from "./random-strokes";

const PHOTO = { width: 97, height: 61 };
const WINDOW = { width: 50, height: 40 };

function anyView(next: () => number): View {
  let view = fitView(PHOTO, WINDOW);
  for (let step = 0; step < 3; step++) {
    const place = { x: next() * WINDOW.width, y: next() * WINDOW.height };
    view = panZoomView(view, place, { x: place.x + next() * 9, y: place.y }, 0.7 + next() * 3, PHOTO, WINDOW);
  }
  return view;
}

function screen(ratio: number): PixelRect {
  return { left: 0, top: 0, right: Math.round(WINDOW.width * ratio), bottom: Math.round(WINDOW.height * ratio) };
}

function painted(raster: Raster, view: View, ratio: number, area = screen(ratio)): Uint32Array {
  const pixels = new Uint32Array((area.right - area.left) * (area.bottom - area.top));
  paintOverlay(raster, view, ratio, area, pixels);
  return pixels;
}

test.each([1, 1.5, 2, 3])(
  "at a pixel ratio of %d, a screen pixel is tinted exactly where the mask is white",
  (ratio) => {
    const next = random(11);
    for (let round = 0; round < 25; round++) {
      const raster = new Raster(PHOTO.width, PHOTO.height);
      raster.render(Array.from({ length: 5 }, () => anyStroke(next, PHOTO.width, PHOTO.height)));
      const view = anyView(next);
      const area = screen(ratio);
      const width = area.right;
      const scale = view.scale * ratio;
      const visible = visibleMask(raster, view, ratio, area);
      /** The photo's pixels under a screen pixel along one axis. */
      const beneath = (at: number, offset: number, limit: number) =>
        Array.from({ length: limit }, (_, pixel) => pixel).filter((pixel) =>
          scale < 1
            ? pixel >= Math.floor((at - offset * ratio) / scale) &&
              pixel < Math.floor((at + 1 - offset * ratio) / scale)
            : pixel === Math.floor((at + 0.5 - offset * ratio) / scale),
        );
      const columns = Array.from({ length: width }, (_, x) => beneath(x, view.x, PHOTO.width));
      const rows = Array.from({ length: area.bottom }, (_, y) => beneath(y, view.y, PHOTO.height));
      const expected = Uint8Array.from({ length: width * area.bottom }, (_, at) => {
        const under = rows[Math.floor(at / width)] ?? [];
        const white = under.some((row) =>
          (columns[at % width] ?? []).some((x) => raster.data[row * PHOTO.width + x] === 1),
        );
        return white ? 1 : 0;
      });
      expect(visible).toEqual(expected);
      expect(painted(raster, view, ratio).map((pixel) => (pixel === 0 ? 0 : 1))).toEqual(Uint32Array.from(expected));
    }
  },
);

test("one white pixel is visible at any scale", () => {
  const raster = new Raster(400, 300);
  const next = random(12);
  for (let round = 0; round < 100; round++) {
    const [left, top] = [Math.floor(next() * 400), Math.floor(next() * 300)];
    raster.render([{ type: "rectangle", effect: "fill", left, top, right: left + 1, bottom: top + 1 }]);
    const view = fitView(raster, WINDOW);
    expect(painted(raster, view, 1).some((pixel) => pixel !== 0)).toBe(true);
  }
});

test("painting the changed area gives the same picture as painting everything", () => {
  const next = random(13);
  for (let round = 0; round < 40; round++) {
    const ratio = [1, 1.25, 2, 3][round % 4] ?? 1;
    const raster = new Raster(PHOTO.width, PHOTO.height);
    const view = anyView(next);
    const { right: width, bottom: height } = screen(ratio);
    const shown = painted(raster, view, ratio);
    const strokes = [];
    for (let step = 0; step < 8; step++) {
      strokes.push(anyStroke(next, PHOTO.width, PHOTO.height));
      const area = visibleRect(raster.render(strokes.slice()), view, ratio, width, height);
      if (area.right <= area.left || area.bottom <= area.top) continue;
      const part = painted(raster, view, ratio, area);
      for (let y = area.top; y < area.bottom; y++) {
        const line = (y - area.top) * (area.right - area.left);
        shown.set(part.subarray(line, line + area.right - area.left), y * width + area.left);
      }
      expect(shown).toEqual(painted(raster, view, ratio));
    }
  }
});
