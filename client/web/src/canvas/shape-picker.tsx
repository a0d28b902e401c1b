import type { FoundObject } from "@/contract/types";

interface ShapePickerProps {
  photo: { url: string; width: number; height: number };
  objects: readonly FoundObject[];
  chosen: readonly [number, number][];
  onChange(chosen: [number, number][]): void;
}

/** Choose things of a photo by their shapes. */
export function ShapePicker(_: ShapePickerProps) {
  return null;
}
