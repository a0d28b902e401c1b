import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { paintOverlay, seenArea } from "./overlay";
import { type Area, around, isNowhere, NOWHERE, type Raster } from "./raster";
import type { PhotoWindow } from "./use-viewport";

/** Device pixels of the overlay at most: on larger screens it is a little coarser, and as quick. */
const MOST_PIXELS = 3_000_000;

interface Overlay {
  /** Lies over the window, as large as it. */
  canvas: RefObject<HTMLCanvasElement | null>;
  /** Pixels of the mask have changed in an area of the photo: they are painted anew in the next frame. */
  changed(area: Area): void;
}

/** Keep a picture of the mask, as it is seen in the window, up to date with as little painting as possible. */
export function useOverlay(raster: Raster, { view, size, ratio: device }: PhotoWindow): Overlay {
  const ratio = Math.min(device, Math.sqrt(MOST_PIXELS / (size.width * size.height)));
  const canvas = useRef<HTMLCanvasElement>(null);

  const paint = useCallback(
    (area: Area) => {
      const context = canvas.current?.getContext("2d");
      if (!context || isNowhere(area)) return;
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

  const pending = useRef(NOWHERE);
  const request = useRef(0);
  const flush = useRef(() => {});
  useLayoutEffect(() => {
    flush.current = () => {
      request.current = 0;
      const { width, height } = canvas.current ?? { width: 0, height: 0 };
      paint(seenArea(pending.current, view, ratio, width, height));
      pending.current = NOWHERE;
    };
  }, [paint, view, ratio]);
  const changed = useCallback((area: Area) => {
    if (isNowhere(area)) return;
    pending.current = around(pending.current, area);
    if (request.current === 0) request.current = requestAnimationFrame(() => flush.current());
  }, []);
  useEffect(
    () => () => {
      cancelAnimationFrame(request.current);
      request.current = 0;
    },
    [],
  );
  return { canvas, changed };
}
