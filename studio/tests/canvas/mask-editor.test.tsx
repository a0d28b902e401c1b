import { fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { coverage } from "@/canvas/mask";
import { MaskEditor } from "@/canvas/mask-editor";
import { Raster } from "@/canvas/raster";
import type { Strokes } from "@/canvas/strokes";
import { fakeLayout } from "./fake-layout";

const PHOTO = { url: "blob:photo", width: 400, height: 200 };
let strokes: Strokes = [];

function Editor({ first = [] }: { first?: Strokes }) {
  const [value, setValue] = useState<Strokes>(first);
  strokes = value;
  return <MaskEditor photo={PHOTO} strokes={value} onChange={setValue} />;
}

/** The number of white pixels of the mask, and their extent. */
function white(): { count: number; left: number; right: number; top: number; bottom: number } {
  const raster = new Raster(PHOTO.width, PHOTO.height);
  raster.render(strokes);
  const at = [...raster.data.entries()].filter(([, value]) => value === 1).map(([index]) => index);
  const [xs, ys] = [at.map((index) => index % PHOTO.width), at.map((index) => Math.floor(index / PHOTO.width))];
  return {
    count: at.length,
    left: Math.min(...xs),
    right: Math.max(...xs),
    top: Math.min(...ys),
    bottom: Math.max(...ys),
  };
}

const stage = () => screen.getByRole("application", { name: "The photo to paint on" });

function pointer(type: string, x: number, y: number, more: PointerEventInit = {}): void {
  fireEvent(
    stage(),
    new PointerEvent(type, { pointerId: 1, pointerType: "mouse", clientX: x, clientY: y, bubbles: true, ...more }),
  );
}

function drag(from: [number, number], to: [number, number], more: PointerEventInit = {}): void {
  pointer("pointerdown", ...from, { button: 0, ...more });
  pointer("pointermove", ...to, { button: -1, ...more });
  pointer("pointerup", ...to, { button: 0, ...more });
}

// Rendered at half its size.
beforeEach(() => fakeLayout(200, 100));

test("a stroke on the screen is white at that place of the mask", () => {
  render(<Editor />);
  expect(screen.getByText("Nothing is painted yet.")).toBeVisible();
  drag([50, 50], [100, 50]);
  const { left, right, top, bottom } = white();
  expect([left, right, top, bottom]).toEqual([92, 207, 92, 107]); // a brush of 16 pixels from 100 to 200
  expect(screen.getByText("2 % of the photo is painted.")).toBeVisible();
});

test("the eraser erases, and each step can be undone and redone by buttons and keys", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  const undo = screen.getByRole("button", { name: "Undo" });
  const redo = screen.getByRole("button", { name: "Redo" });
  expect(undo).toBeDisabled();
  drag([50, 50], [100, 50]);
  const painted = white().count;
  await user.click(screen.getByRole("radio", { name: "Eraser" }));
  drag([50, 50], [75, 50]);
  const left = white().count;
  expect(left).toBeLessThan(painted);
  await user.click(undo);
  expect(white().count).toBe(painted);
  await user.keyboard("{Control>}z{/Control}");
  expect(strokes).toEqual([]);
  await user.click(redo);
  await user.keyboard("{Control>}{Shift>}z{/Shift}{/Control}");
  expect(white().count).toBe(left);
  expect(redo).toBeDisabled();
});

test("a new stroke discards the redo steps", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  drag([50, 50], [60, 50]);
  await user.click(screen.getByRole("button", { name: "Undo" }));
  drag([150, 50], [160, 50]);
  expect(screen.getByRole("button", { name: "Redo" })).toBeDisabled();
});

test("a dragged rectangle covers every pixel it touches", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  await user.click(screen.getByRole("radio", { name: "Rectangle" }));
  drag([10, 20], [60, 45]);
  expect(white()).toEqual({ count: 100 * 50, left: 20, right: 119, top: 40, bottom: 89 });
  drag([10, 20], [10, 20]);
  expect(strokes).toHaveLength(1);
});

test("a rectangle is painted by keyboard alone", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  stage().focus();
  await user.keyboard("r{ArrowRight}{ArrowRight}{Shift>}{ArrowDown}{/Shift}{Enter}");
  // The first arrow key shows the rectangle: from 120 to 280 and from 60 to 140.
  expect(white()).toEqual({ count: 160 * 84, left: 124, right: 283, top: 60, bottom: 143 });
  await user.keyboard("{Delete}");
  expect(white().count).toBe(0);
  expect(screen.getByText("Nothing is painted yet.")).toBeVisible();
});

test("a rectangle is painted by number inputs", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  await user.click(screen.getByRole("radio", { name: "Rectangle" }));
  const fields = within(screen.getByRole("group", { name: "Rectangle in pixels" }));
  for (const [name, value] of [
    ["From the left", "5"],
    ["From the top", "6"],
    ["Width", "30"],
    ["Height", "20"],
  ] as const) {
    const field = fields.getByRole("spinbutton", { name });
    await user.clear(field);
    await user.type(field, value);
  }
  await user.click(fields.getByRole("button", { name: "Fill it" }));
  expect(white()).toEqual({ count: 600, left: 5, right: 34, top: 6, bottom: 25 });
});

test("a second finger zooms and discards the first finger's stroke", () => {
  render(<Editor />);
  const first = { pointerId: 1, pointerType: "touch" };
  const second = { pointerId: 2, pointerType: "touch" };
  pointer("pointerdown", 90, 50, { button: 0, ...first });
  pointer("pointermove", 92, 50, { button: -1, ...first });
  pointer("pointerdown", 110, 50, { button: 0, ...second });
  pointer("pointermove", 130, 50, { button: -1, ...second });
  pointer("pointerup", 130, 50, { button: 0, ...second });
  pointer("pointerup", 92, 50, { button: 0, ...first });
  expect(strokes).toEqual([]);
  expect(screen.getByRole("button", { name: "Show all of it" })).toBeEnabled();
});

test("a stroke on a zoomed view is painted at the visible place", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  for (let step = 0; step < 3; step++) await user.click(screen.getByRole("button", { name: "Zoom in" }));
  drag([100, 50], [100, 50]);
  const { left, right } = white();
  expect((left + right + 1) / 2).toBeCloseTo(200);
  await user.click(screen.getByRole("button", { name: "Show all of it" }));
  expect(screen.getByRole("button", { name: "Zoom out" })).toBeDisabled();
});

test("a pen paints thinner with less pressure", () => {
  render(<Editor />);
  drag([50, 50], [100, 50], { pointerType: "pen", pressure: 0.2 });
  const light = white();
  expect(light.bottom - light.top + 1).toBeLessThan(10);
});

test("inverting and clearing can be undone; a mask of the whole photo shows a warning", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  await user.click(screen.getByRole("button", { name: "Invert" }));
  expect(white().count).toBe(400 * 200);
  expect(screen.getByText(/leave some of it/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Clear" }));
  expect(white().count).toBe(0);
  await user.click(screen.getByRole("button", { name: "Undo" }));
  expect(white().count).toBe(400 * 200);
});

test("strokes of a draft are shown and can be continued", async () => {
  const user = userEvent.setup();
  render(<Editor first={[{ type: "rectangle", effect: "fill", left: 0, top: 0, right: 200, bottom: 200 }]} />);
  expect(screen.getByText("50 % of the photo is painted.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Undo" }));
  expect(strokes).toEqual([]);
});

test("keys select tool and brush size, except in number inputs", async () => {
  const user = userEvent.setup();
  render(<Editor />);
  stage().focus();
  const size = () => Number(screen.getByRole<HTMLInputElement>("slider", { name: "Size" }).value);
  const before = size();
  await user.keyboard("]");
  expect(size()).toBeGreaterThan(before);
  await user.keyboard("r");
  expect(screen.getByRole("radio", { name: "Rectangle" })).toBeChecked();
  await user.click(screen.getByRole("spinbutton", { name: "Width" }));
  await user.keyboard("b");
  expect(screen.getByRole("radio", { name: "Rectangle" })).toBeChecked();
});

test("reading the coverage does not render the mask again", () => {
  function Asking() {
    const [value, setValue] = useState<Strokes>([]);
    return (
      <>
        <p>{`${Math.round(coverage(value, PHOTO.width, PHOTO.height) * 100)} of 100`}</p>
        <MaskEditor photo={PHOTO} strokes={value} onChange={setValue} />
      </>
    );
  }
  render(<Asking />);
  const renders = vi.spyOn(Raster.prototype, "render");
  drag([50, 50], [100, 50]);
  expect(screen.getByText("2 of 100")).toBeVisible();
  expect(new Set(renders.mock.contexts).size).toBe(1);
  renders.mockRestore();
});
