/** A fake of what jsdom lacks: element sizes and canvases. */
import { vi } from "vitest";

/** Give every element this size in CSS pixels, at the window's corner; canvases draw nothing. */
export function fakeLayout(width: number, height: number): void {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(width);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(height);
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, width, height));
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
}
