import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { paintOverlay, visibleRect } from "./overlay";
import { EMPTY_RECT, isEmptyRect, type PixelRect, type Raster, unionRect } from "./raster";
import type { Viewport } from "./use-viewport";

/** The maximum size of the overlay in device pixels; on larger screens it is coarser. */
const MAX_PIXELS = 3_000_000;

interface Overlay {
  /** The canvas, as large as the viewport. */
  canvas: RefObject<HTMLCanvasElement | null>;
  /** Repaints an area of the photo in the next frame. */
  invalidate(area: PixelRect): void;
}

/** A canvas that shows the mask overlay, and repaints only what has changed. */
export function useOverlay(raster: Raster, { view, size, ratio: device }: Viewport): Overlay {
  const ratio = Math.min(device, Math.sqrt(MAX_PIXELS / (size.width * size.height)));
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

  // Everything, and synchronously: the photo moves in the same frame.
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
