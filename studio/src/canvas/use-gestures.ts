import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { type GestureListener, GestureRecognizer, type PointerSample } from "./gestures";
import { type Point, wheelFactor } from "./view";

interface Options extends GestureListener {
  /** Called while a pointer hovers; null when it leaves. */
  hover?(contact: PointerSample | null): void;
  /** Called for a wheel event that pans. Returns false to let the page scroll. */
  scroll(by: Point): boolean;
  /** Whether the wheel zooms by itself, or only with Ctrl or a trackpad's pinch. */
  wheelZooms: boolean;
}

/** Recognize gestures on an element from its pointer and wheel events. */
export function useGestures(target: RefObject<HTMLElement | null>, options: Options): void {
  const latest = useRef(options);
  useLayoutEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const gestures = new GestureRecognizer({
      shouldDraw: (contact) => latest.current.shouldDraw(contact),
      start: (contact) => latest.current.start(contact),
      draw: (contacts) => latest.current.draw(contacts),
      end: () => latest.current.end(),
      cancel: () => latest.current.cancel(),
      panZoom: (from, to, factor) => latest.current.panZoom(from, to, factor),
    });
    const controller = new AbortController();
    const { signal } = controller;
    const contactOf = (event: PointerEvent): PointerSample => {
      const corner = element.getBoundingClientRect();
      return {
        id: event.pointerId,
        type: event.pointerType,
        x: event.clientX - corner.left,
        y: event.clientY - corner.top,
        pressure: event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1,
        primaryButton: event.button <= 0,
      };
    };
    element.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button > 1) return;
        if (event.button === 1) event.preventDefault(); // no automatic scrolling
        element.setPointerCapture?.(event.pointerId);
        gestures.down(contactOf(event));
      },
      { signal },
    );
    element.addEventListener(
      "pointermove",
      (event) => {
        const between = event.getCoalescedEvents?.() ?? [];
        gestures.moved((between.length > 0 ? between : [event]).map(contactOf));
        latest.current.hover?.(event.pointerType === "touch" ? null : contactOf(event));
      },
      { signal },
    );
    element.addEventListener("pointerup", (event) => gestures.up(event.pointerId), { signal });
    element.addEventListener("pointercancel", (event) => gestures.lost(event.pointerId), { signal });
    element.addEventListener("pointerleave", () => latest.current.hover?.(null), { signal });
    element.addEventListener(
      "wheel",
      (event) => {
        const corner = element.getBoundingClientRect();
        const place = { x: event.clientX - corner.left, y: event.clientY - corner.top };
        const pinched = event.ctrlKey || event.metaKey;
        if (pinched || latest.current.wheelZooms) {
          event.preventDefault();
          latest.current.panZoom(place, place, wheelFactor(event.deltaY, pinched));
        } else if (latest.current.scroll({ x: -event.deltaX, y: -event.deltaY })) {
          event.preventDefault();
        }
      },
      { signal, passive: false },
    );
    return () => controller.abort();
  }, [target]);
}
