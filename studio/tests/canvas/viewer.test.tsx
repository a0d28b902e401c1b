import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { CompareSlider } from "@/canvas/compare-slider";
import { Viewer } from "@/canvas/viewer";
import { fakeLayout } from "./fake-layout";

beforeEach(() => {
  fakeLayout(200, 100);
  // jsdom cannot open dialogs.
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
});

test("the divider follows the pointer and the keys", () => {
  HTMLElement.prototype.setPointerCapture = () => {};
  HTMLElement.prototype.hasPointerCapture = () => true;
  render(<CompareSlider before="a.jpg" after="b.jpg" width={400} height={200} afterLabel="Enlarged" />);
  const slider = screen.getByRole("slider", { name: "How much of “Before” is shown" });
  expect(slider).toHaveAttribute("aria-valuetext", "Before 50 %");
  const frame = screen.getByRole("img", { name: "Enlarged" });
  fireEvent(frame, new PointerEvent("pointerdown", { clientX: 40, bubbles: true, pointerId: 1 }));
  expect(slider).toHaveValue("20");
  expect(slider).toHaveFocus();
  fireEvent(frame, new PointerEvent("pointermove", { clientX: 900, bubbles: true, pointerId: 1 }));
  expect(slider).toHaveValue("100");
  fireEvent.change(slider, { target: { value: "33" } });
  expect(slider).toHaveAttribute("aria-valuetext", "Before 33 %");
  expect(screen.getByRole("img", { name: "Before" })).toHaveStyle({ clipPath: "inset(0 67% 0 0)" });
});

function view(onClose = () => {}, onError = () => {}) {
  const picture = { url: "https://storage/result.png", broken: false, onError };
  const download = () => Promise.reject(new Error("HTTP 403"));
  render(<Viewer picture={picture} width={400} height={200} name="kitchen.png" {...{ download, onClose }} />);
}

test("the viewer zooms by keys and buttons, and shows the scale", async () => {
  const user = userEvent.setup();
  view();
  expect(screen.getByRole("img", { name: "kitchen.png, 400 × 200 pixels" })).toHaveAttribute(
    "src",
    "https://storage/result.png",
  );
  expect(screen.getByText("50 %")).toBeVisible();
  screen.getByRole("application").focus();
  await user.keyboard("+");
  expect(screen.getByText("75 %")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Zoom in" }));
  expect(screen.getByText("113 %")).toBeVisible();
  await user.keyboard("0");
  expect(screen.getByText("50 %")).toBeVisible();
  expect(screen.getByRole("button", { name: "Zoom out" })).toBeDisabled();
});

test("Escape and the close button close the viewer", async () => {
  const onClose = vi.fn();
  const user = userEvent.setup();
  view(onClose);
  fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
  await user.click(screen.getByRole("button", { name: "Close" }));
  expect(onClose).toHaveBeenCalledTimes(2);
});

test("a picture that does not load is reported", () => {
  const onError = vi.fn();
  view(undefined, onError);
  fireEvent.error(screen.getByRole("img", { name: /kitchen.png/ }));
  expect(onError).toHaveBeenCalledOnce();
});

test("a picture that cannot be downloaded can be opened in a tab", async () => {
  const user = userEvent.setup();
  view();
  await user.click(screen.getByRole("button", { name: "Download" }));
  expect(await screen.findByText(/could not be fetched/)).toBeVisible();
  expect(screen.getByRole("link", { name: "Open it in a new tab" })).toHaveAttribute(
    "href",
    "https://storage/result.png",
  );
});
