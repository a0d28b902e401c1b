import { type RefObject, useCallback, useLayoutEffect, useState } from "react";
import { clampView, fitView, type Point, panZoomView, type Size, type View } from "./view";

/** A viewport: the size of the element, and the part of the photo that it shows. */
export interface Viewport {
  size: Size;
  view: View;
  /** Device pixels for each CSS pixel. */
  ratio: number;
  /** Whether the whole photo is visible. */
  whole: boolean;
  panZoom(from: Point, to: Point, factor: number): void;
  /** Zooms about the centre. */
  zoom(factor: number): void;
  /** Fits the whole photo. */
  fit(): void;
}

/** The viewport of an element that shows a photo. Null until the element has a size. */
export function useViewport(target: RefObject<HTMLElement | null>, photo: Size): Viewport | null {
  const { width, height } = photo;
  const [state, setState] = useState<{ size: Size; view: View } | null>(null);
  const [ratio, setRatio] = useState(() => globalThis.devicePixelRatio || 1);

  useLayoutEffect(() => {
    const element = target.current;
    if (!element) return;
    const measure = () => {
      const size = { width: element.clientWidth, height: element.clientHeight };
      setRatio(globalThis.devicePixelRatio || 1);
      if (size.width === 0 || size.height === 0) return;
      setState((last) => {
        const wasWhole = !last || isWhole(last.view, { width, height }, last.size);
        return {
          size,
          view: wasWhole ? fitView({ width, height }, size) : clampView(last.view, { width, height }, size),
        };
      });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [target, width, height]);

  const panZoom = useCallback(
    (from: Point, to: Point, factor: number) =>
      setState(
        (last) => last && { ...last, view: panZoomView(last.view, from, to, factor, { width, height }, last.size) },
      ),
    [width, height],
  );
  if (!state) return null;
  const middle = { x: state.size.width / 2, y: state.size.height / 2 };
  return {
    ...state,
    ratio,
    whole: isWhole(state.view, photo, state.size),
    panZoom,
    zoom: (factor) => panZoom(middle, middle, factor),
    fit: () => setState({ ...state, view: fitView(photo, state.size) }),
  };
}

function isWhole(view: View, photo: Size, size: Size): boolean {
  return view.scale <= fitView(photo, size).scale * 1.001;
}
