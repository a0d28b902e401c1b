/** What jsdom has not: sizes of elements, and canvases. */
import { vi } from "vitest";

/** Every element is so large, in CSS pixels, and lies in the window's corner; canvases draw nothing. */
export function layOut(width: number, height: number): void {
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
