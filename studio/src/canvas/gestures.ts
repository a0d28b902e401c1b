/** What hands do over a picture, from the browser's pointer events: draw with one, move and zoom with two. */
import type { Point } from "./view";

/** A finger, pen or mouse where it is now: in CSS pixels from the window's corner. */
export interface PointerSample extends Point {
  id: number;
  type: string;
  /** How hard a pen presses, from 0 to 1; 1 for what cannot tell. */
  pressure: number;
  /** Whether it is what people do things with: a finger, a pen's tip, a mouse's first button. */
  primaryButton: boolean;
}

export interface GestureListener {
  /** Something touches: whether it draws (else it moves the view). */
  shouldDraw(contact: PointerSample): boolean;
  start(contact: PointerSample): void;
  draw(contacts: readonly PointerSample[]): void;
  end(): void;
  /** What was drawn since `start` was not meant: another finger came. */
  cancel(): void;
  /** Move what is at `from` to `to`, `factor` times as large. */
  panZoom(from: Point, to: Point, factor: number): void;
}

/**
 * Which gesture is going on. A second finger turns drawing into moving until all are lifted; a pen draws whatever
 * fingers do, and once there is a pen, fingers move the view and no more: a hand rests on the glass.
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

  /** `contacts`: where one contact has been since the last time, oldest first. */
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

  /** The browser took the contact away: what it drew was not meant. */
  lost(id: number): void {
    if (this.#drawing === id) {
      this.#drawing = null;
      this.listener.cancel();
    }
    this.up(id);
  }

  /** Whether something is being drawn. */
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

  /** Between all contacts, and how far they are from there on average. */
  #middle(): Point & { spread: number } {
    const all = [...this.#contacts.values()];
    const x = all.reduce((sum, each) => sum + each.x, 0) / all.length;
    const y = all.reduce((sum, each) => sum + each.y, 0) / all.length;
    return { x, y, spread: all.reduce((sum, each) => sum + Math.hypot(each.x - x, each.y - y), 0) / all.length };
  }
}
