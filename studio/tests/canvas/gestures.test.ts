import { beforeEach, expect, test } from "vitest";
import { GestureRecognizer, type PointerSample } from "@/canvas/gestures";

let log: string[] = [];
let gestures: GestureRecognizer;

function at(id: number, x: number, y: number, type = "touch"): PointerSample {
  return { id, x, y, type, pressure: 1, primaryButton: true };
}

beforeEach(() => {
  log = [];
  gestures = new GestureRecognizer({
    shouldDraw: (contact) => contact.primaryButton,
    start: ({ x, y }) => log.push(`start ${x},${y}`),
    draw: (contacts) => log.push(`draw ${contacts.map(({ x, y }) => `${x},${y}`).join(" ")}`),
    end: () => log.push("end"),
    cancel: () => log.push("give up"),
    panZoom: (from, to, factor) => log.push(`move ${from.x},${from.y} to ${to.x},${to.y} ×${factor}`),
  });
});

test("one finger draws", () => {
  gestures.down(at(1, 0, 0));
  gestures.moved([at(1, 1, 1), at(1, 2, 2)]);
  gestures.up(1);
  expect(log).toEqual(["start 0,0", "draw 1,1 2,2", "end"]);
});

test("a second finger cancels the stroke and zooms; the remaining finger does not draw", () => {
  gestures.down(at(1, 0, 0));
  gestures.moved([at(1, 1, 0)]);
  gestures.down(at(2, 11, 0));
  gestures.moved([at(2, 21, 0)]);
  gestures.up(1);
  gestures.moved([at(2, 25, 0)]);
  gestures.up(2);
  gestures.down(at(3, 5, 5));
  expect(log).toEqual(["start 0,0", "draw 1,0", "give up", "move 6,0 to 11,0 ×2", "move 21,0 to 25,0 ×1", "start 5,5"]);
});

test("a secondary mouse button pans", () => {
  gestures.down({ ...at(1, 0, 0, "mouse"), primaryButton: false });
  gestures.moved([at(1, 5, 0, "mouse")]);
  gestures.up(1);
  expect(log).toEqual(["move 0,0 to 5,0 ×1"]);
});

test("after a pen was used, touches pan and never draw", () => {
  gestures.down(at(9, 0, 0, "pen"));
  gestures.down(at(1, 50, 50));
  gestures.moved([at(1, 60, 50)]);
  gestures.moved([at(9, 1, 0, "pen")]);
  gestures.up(9);
  gestures.up(1);
  gestures.down(at(2, 50, 50));
  gestures.moved([at(2, 60, 50)]);
  expect(log).toEqual(["start 0,0", "draw 1,0", "end", "move 50,50 to 60,50 ×1"]);
});

test("a pen that comes down during a touch draws instead", () => {
  gestures.down(at(1, 50, 50));
  gestures.down(at(9, 0, 0, "pen"));
  gestures.moved([at(1, 60, 50)]);
  gestures.up(9);
  expect(log).toEqual(["start 50,50", "give up", "start 0,0", "end"]);
});

test("pointercancel discards the stroke", () => {
  gestures.down(at(1, 0, 0));
  gestures.lost(1);
  gestures.down(at(2, 3, 3));
  expect(log).toEqual(["start 0,0", "give up", "start 3,3"]);
});
