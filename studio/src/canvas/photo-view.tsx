import styles from "./photo-view.module.css";
import type { Viewport } from "./use-viewport";
import type { Size } from "./view";

/** The scale, in device pixels for each photo pixel, from which pixels are shown as squares. */
const SQUARES = 4;

interface PhotoViewProps {
  url: string;
  /** The alternative text; empty if the surrounding text describes the photo. */
  name: string;
  size: Size;
  viewport: Viewport;
  /** Called when the photo cannot be loaded. */
  onError?: (() => void) | undefined;
}

/** A photo drawn in a viewport. */
export function PhotoView({ url, name, size, viewport: { view, ratio }, onError }: PhotoViewProps) {
  return (
    <img
      className={[styles.photo, view.scale * ratio >= SQUARES && styles.squares].filter(Boolean).join(" ")}
      src={url}
      alt={name}
      width={size.width}
      height={size.height}
      draggable={false}
      onError={onError}
      style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
    />
  );
}
