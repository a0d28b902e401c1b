import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { paintOverlay, visibleRect } from "./overlay";
import { EMPTY_RECT, isEmptyRect, type PixelRect, type Raster, unionRect } from "./raster";
import type { Viewport } from "./use-viewport";

/** Device pixels of the overlay at most: on larger screens it is a little coarser, and as quick. */
const MOST_PIXELS = 3_000_000;

interface Overlay {
  /** Lies over the window, as large as it. */
  canvas: RefObject<HTMLCanvasElement | null>;
  /** Pixels of the mask have changed in an area of the photo: they are painted anew in the next frame. */
  invalidate(area: PixelRect): void;
}

/** Keep a picture of the mask, as it is seen in the window, up to date with as little painting as possible. */
export function useOverlay(raster: Raster, { view, size, ratio: device }: Viewport): Overlay {
  const ratio = Math.min(device, Math.sqrt(MOST_PIXELS / (size.width * size.height)));
  const canvas = useRef<HTMLCanvasElement>(null);

  const paint = useCallback(
    (area: PixelRect) => {
      const context = canvas.current?.getContext("2d");
      if (!context || isEmptyRect(area)) return;
      const pixels = context.createImageData(area.right - area.left, area.bottom - area.top);
      paintOverlay(raster, view, ratio, area, new Uint32Array(pixels.data.buffer));
      context.putImageData(pixels, area.left, area.top);
    },
    [raster, view, ratio],
  );

  // All of it, and at once: the photo beneath moves in this very frame.
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    element.width = Math.round(size.width * ratio);
    element.height = Math.round(size.height * ratio);
    paint({ left: 0, top: 0, right: element.width, bottom: element.height });
  }, [paint, size, ratio]);

  const pending = useRef(EMPTY_RECT);
  const request = useRef(0);
  const flush = useRef(() => {});
  useLayoutEffect(() => {
    flush.current = () => {
      request.current = 0;
      const { width, height } = canvas.current ?? { width: 0, height: 0 };
      paint(visibleRect(pending.current, view, ratio, width, height));
      pending.current = EMPTY_RECT;
    };
  }, [paint, view, ratio]);
  const invalidate = useCallback((area: PixelRect) => {
    if (isEmptyRect(area)) return;
    pending.current = unionRect(pending.current, area);
    if (request.current === 0) request.current = requestAnimationFrame(() => flush.current());
  }, []);
  useEffect(
    () => () => {
      cancelAnimationFrame(request.current);
      request.current = 0;
    },
    [],
  );
  return { canvas, invalidate };
}
