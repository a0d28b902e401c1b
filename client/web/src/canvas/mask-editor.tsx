import type { Strokes } from "./strokes";

interface MaskEditorProps {
  photo: { url: string; width: number; height: number };
  strokes: Strokes;
  onChange(strokes: Strokes): void;
}

/** Paint on a photo where it is to be filled. */
export function MaskEditor(_: MaskEditorProps) {
  return null;
}
