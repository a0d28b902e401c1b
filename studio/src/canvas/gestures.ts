/** A gesture recognizer for pointer events: one pointer draws, two pan and zoom. */
import type { Point } from "./view";

/** One sample of a pointer, in CSS pixels from the element's corner. */
export interface PointerSample extends Point {
  id: number;
  type: string;
  /** Pen pressure from 0 to 1; 1 for pointers that do not report it. */
  pressure: number;
  /** Whether the primary button is pressed: a finger, a pen's tip, a mouse's first button. */
  primaryButton: boolean;
}

export interface GestureListener {
  /** Decides for a new pointer whether it draws or pans. */
  shouldDraw(contact: PointerSample): boolean;
  start(contact: PointerSample): void;
  draw(contacts: readonly PointerSample[]): void;
  end(): void;
  /** Discards what was drawn since `start`: a second finger came down. */
  cancel(): void;
  /** Moves the point at `from` to `to` and scales by `factor`. */
  panZoom(from: Point, to: Point, factor: number): void;
}

/**
 * The state machine of gestures. A second finger turns drawing into panning until all are lifted. A pen always draws;
 * once a pen was used, fingers only pan and zoom, so a resting hand draws nothing.
 */
export class GestureRecognizer {
  readonly #contacts = new Map<number, PointerSample>();
  #drawing: number | null = null;
  #moving = false;
  #pen = false;

  constructor(private readonly listener: GestureListener) {}

  down(contact: PointerSample): void {
    if (contact.type === "pen") this.#takePen();
    else if (this.#pen && this.#drawing !== null) return;
    this.#contacts.set(contact.id, contact);
    const palm = this.#pen && contact.type === "touch";
    if (this.#contacts.size === 1 && !this.#moving && !palm && this.listener.shouldDraw(contact)) {
      this.#drawing = contact.id;
      this.listener.start(contact);
      return;
    }
    if (this.#drawing !== null) {
      this.#drawing = null;
      this.listener.cancel();
    }
    this.#moving = true;
  }

  /** Process the coalesced samples of one pointer, oldest first. */
  moved(contacts: readonly PointerSample[]): void {
    const last = contacts.at(-1);
    if (!last || !this.#contacts.has(last.id)) return;
    if (this.#drawing === last.id) {
      this.#contacts.set(last.id, last);
      this.listener.draw(contacts);
    } else if (this.#moving) {
      const from = this.#middle();
      this.#contacts.set(last.id, last);
      const to = this.#middle();
      this.listener.panZoom(from, to, from.spread > 0 ? to.spread / from.spread : 1);
    }
  }

  up(id: number): void {
    if (!this.#contacts.delete(id)) return;
    if (this.#drawing === id) {
      this.#drawing = null;
      this.listener.end();
    }
    if (this.#contacts.size === 0) this.#moving = false;
  }

  /** Process `pointercancel`: what the pointer drew is discarded. */
  lost(id: number): void {
    if (this.#drawing === id) {
      this.#drawing = null;
      this.listener.cancel();
    }
    this.up(id);
  }

  /** Whether a stroke is being drawn. */
  get drawing(): boolean {
    return this.#drawing !== null;
  }

  #takePen(): void {
    this.#pen = true;
    if (this.#drawing !== null) this.listener.cancel();
    this.#drawing = null;
    this.#moving = false;
    this.#contacts.clear();
  }

  /** The centroid of all pointers, and their mean distance from it. */
  #middle(): Point & { spread: number } {
    const all = [...this.#contacts.values()];
    const x = all.reduce((sum, each) => sum + each.x, 0) / all.length;
    const y = all.reduce((sum, each) => sum + each.y, 0) / all.length;
    return { x, y, spread: all.reduce((sum, each) => sum + Math.hypot(each.x - x, each.y - y), 0) / all.length };
  }
}
