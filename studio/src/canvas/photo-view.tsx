import styles from "./photo-view.module.css";
import type { Viewport } from "./use-viewport";
import type { Size } from "./view";

/** From here on, in device pixels for each of the photo's, its pixels are seen as squares. */
const SQUARES = 4;

interface PhotoViewProps {
  url: string;
  /** What it shows; empty where the words around it say so. */
  name: string;
  size: Size;
  viewport: Viewport;
}

/** A photo where a window shows it. */
export function PhotoView({ url, name, size, viewport: { view, ratio } }: PhotoViewProps) {
  return (
    <img
      className={[styles.photo, view.scale * ratio >= SQUARES && styles.squares].filter(Boolean).join(" ")}
      src={url}
      alt={name}
      width={size.width}
      height={size.height}
      draggable={false}
      style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
    />
  );
}
