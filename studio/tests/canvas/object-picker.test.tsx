import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { ObjectPicker } from "@/canvas/object-picker";
import type { FoundObject } from "@/contract/types";
import { fakeLayout } from "./fake-layout";

// Drawing is tested in a browser, choosing here.
vi.mock("@/canvas/object-outlines", () => ({ ObjectOutlines: () => null }));

const PHOTO = { url: "blob:photo", width: 400, height: 200 };
const box = (label: string, left: number, top: number, right: number, bottom: number): FoundObject => ({
  label,
  box: [left, top, right, bottom],
  score: 1,
  area: ((right - left) * (bottom - top)) / 80_000,
  kept: false,
  outlines: [],
});
const OBJECTS = [box("couch", 0, 0, 200, 200), box("book", 50, 50, 60, 60), box("lava lamp", 300, 0, 400, 200)];
let chosen: [number, number][] = [];

function Picker({ first = [], most }: { first?: [number, number][]; most?: number }) {
  const [value, setValue] = useState(first);
  chosen = value;
  return (
    <ObjectPicker photo={PHOTO} objects={OBJECTS} chosen={value} onChange={setValue} {...(most ? { most } : {})} />
  );
}

const tap = (x: number, y: number) => fireEvent.click(screen.getByRole("img"), { clientX: x, clientY: y });

// Rendered at half its size.
beforeEach(() => fakeLayout(200, 100));

test("a tap on an object selects it, and another deselects it", () => {
  render(<Picker />);
  expect(screen.getByRole("status")).toHaveTextContent("Nothing is chosen.");
  tap(175, 50);
  expect(screen.getByRole("checkbox", { name: /lava lamp/ })).toBeChecked();
  expect(chosen).toHaveLength(1);
  const [x, y] = chosen[0] ?? [0, 0];
  expect(x * 400).toBeGreaterThan(300);
  expect(y * 200).toBeGreaterThan(0);
  expect(screen.getByRole("status")).toHaveTextContent("1 thing chosen.");
  tap(160, 20);
  expect(chosen).toEqual([]);
});

test("a tap on overlapping objects selects the smaller one", () => {
  render(<Picker />);
  tap(27, 27);
  expect(screen.getByRole("checkbox", { name: /book/ })).toBeChecked();
  expect(screen.getByRole("checkbox", { name: /sofa/ })).not.toBeChecked();
});

test("the list selects the same objects by keyboard", async () => {
  const user = userEvent.setup();
  render(<Picker />);
  await user.tab();
  await user.keyboard(" ");
  expect(screen.getByRole("checkbox", { name: /sofa/ })).toBeChecked();
  expect(chosen).toHaveLength(1);
});

test("points of an earlier job select the objects under them", async () => {
  const user = userEvent.setup();
  render(
    <Picker
      first={[
        [0.9, 0.9],
        [0.1, 0.9],
        [0.7, 0.5],
      ]}
    />,
  );
  expect(screen.getByRole("checkbox", { name: /lava lamp/ })).toBeChecked();
  await user.click(screen.getByRole("checkbox", { name: /sofa/ }));
  expect(chosen).toEqual([
    [0.9, 0.9],
    [0.7, 0.5],
  ]);
});

test("no more objects can be selected than the service accepts", () => {
  render(<Picker most={1} />);
  tap(175, 50);
  expect(screen.getByRole("checkbox", { name: /sofa/ })).toBeDisabled();
  expect(screen.getByRole("status")).toHaveTextContent("1 is the most");
  tap(27, 80);
  expect(chosen).toHaveLength(1);
  tap(175, 50);
  expect(chosen).toHaveLength(0);
});

test("a photo without objects shows an alternative", () => {
  render(<ObjectPicker photo={PHOTO} objects={[]} chosen={[]} onChange={() => {}} />);
  expect(screen.getByText(/Nothing was found/)).toBeVisible();
});
