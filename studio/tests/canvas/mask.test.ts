import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { coverage, isEmpty, renderMask } from "@/canvas/mask";
import { Raster } from "@/canvas/raster";
import type { Stroke } from "@/canvas/strokes";
import { anyStroke, random } from "./random-strokes";

function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      reader.result instanceof ArrayBuffer ? resolve(new Uint8Array(reader.result)) : reject(new Error("no bytes"));
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}

/** An independent decoder of 1-bit PNGs: the size, and 0 or 1 for each pixel. */
function decode(bytes: Uint8Array): { width: number; height: number; pixels: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    chunks.set(type, bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  expect([...chunks.keys()]).toEqual(["IHDR", "IDAT", "IEND"]);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  expect([...bytes.subarray(24, 29)]).toEqual([1, 0, 0, 0, 0]);
  const rows = inflateSync(chunks.get("IDAT") ?? new Uint8Array());
  const stride = 1 + Math.ceil(width / 8);
  expect(rows.length).toBe(stride * height);
  const bit = (x: number, y: number) => ((rows[y * stride + 1 + Math.floor(x / 8)] ?? 0) >> (7 - (x % 8))) & 1;
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => bit(at % width, Math.floor(at / width)));
  return { width, height, pixels };
}

test.each([
  [1, 1],
  [8, 3],
  [37, 41],
  [130, 600],
])("the PNG of %i × %i pixels is white exactly where the strokes are shown", async (width, height) => {
  const next = random(width);
  for (let round = 0; round < 5; round++) {
    const strokes = Array.from({ length: 8 }, () => anyStroke(next, width, height));
    const raster = new Raster(width, height);
    raster.render(strokes);
    const file = await renderMask(strokes, width, height);
    expect(file.type).toBe("image/png");
    expect(decode(await bytesOf(file))).toEqual({ width, height, pixels: raster.data });
  }
});

const fill: Stroke = { type: "rectangle", effect: "fill", left: 0, top: 0, right: 5, bottom: 10 };

test("emptiness follows from the strokes if nothing was filled, else from the pixels", () => {
  const erase: Stroke = { ...fill, effect: "erase" };
  expect(isEmpty([])).toBe(true);
  expect(isEmpty([erase])).toBe(true);
  expect(isEmpty([fill])).toBe(false);
  expect(isEmpty([fill, { type: "clear" }])).toBe(true);
  expect(isEmpty([{ type: "invert" }])).toBe(false);
  expect(coverage([], 10, 10)).toBe(0);
  expect(coverage([fill, erase], 10, 10)).toBe(0);
  expect(coverage([fill], 10, 10)).toBe(0.5);
  expect(coverage([{ type: "invert" }], 10, 10)).toBe(1);
});

test("the coverage of the same strokes depends on the photo's size", () => {
  const strokes = [fill];
  expect(coverage(strokes, 10, 10)).toBe(0.5);
  expect(coverage(strokes, 20, 10)).toBe(0.25);
});
