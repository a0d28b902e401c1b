import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { type Contact, Gestures, type Listener } from "./gestures";
import { type Point, wheelFactor } from "./view";

interface Options extends Listener {
  /** The pointer hovers there, or (null) is gone. */
  hover?(contact: Contact | null): void;
  /** A turn of the wheel moves the view by this; false leaves it to the page. */
  scroll(by: Point): boolean;
  /** Whether the wheel zooms by itself, or with Ctrl or a trackpad's pinch alone. */
  wheelZooms: boolean;
}

/** Hear what hands do over an element. */
export function useGestures(target: RefObject<HTMLElement | null>, options: Options): void {
  const latest = useRef(options);
  useLayoutEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const gestures = new Gestures({
      draws: (contact) => latest.current.draws(contact),
      start: (contact) => latest.current.start(contact),
      draw: (contacts) => latest.current.draw(contacts),
      end: () => latest.current.end(),
      giveUp: () => latest.current.giveUp(),
      move: (from, to, factor) => latest.current.move(from, to, factor),
    });
    const controller = new AbortController();
    const { signal } = controller;
    const contactOf = (event: PointerEvent): Contact => {
      const corner = element.getBoundingClientRect();
      return {
        id: event.pointerId,
        type: event.pointerType,
        x: event.clientX - corner.left,
        y: event.clientY - corner.top,
        pressure: event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1,
        main: event.button <= 0,
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
          latest.current.move(place, place, wheelFactor(event.deltaY, pinched));
        } else if (latest.current.scroll({ x: -event.deltaX, y: -event.deltaY })) {
          event.preventDefault();
        }
      },
      { signal, passive: false },
    );
    return () => controller.abort();
  }, [target]);
}
