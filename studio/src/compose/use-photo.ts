/** A material as something to draw on: where it is, and its size in pixels. */
import { useEffect, useState } from "react";
import { look, type Material } from "@/drafts/input-file";

/** A picture to be shown, `width` × `height` pixels when upright. */
export interface Photo {
  url: string;
  width: number;
  height: number;
}

/** The material's picture once its size is known; null before, and for what cannot be looked at. */
export function usePhoto(material: Material | undefined): Photo | null {
  const url = material ? look(material) : null;
  const told = material ? sizeOf(material) : null;
  const [measured, setMeasured] = useState<Photo | null>(null);
  const unknown = told === null ? url : null;
  useEffect(() => {
    if (unknown === null) return;
    const image = new Image();
    image.onload = () => setMeasured({ url: unknown, width: image.naturalWidth, height: image.naturalHeight });
    image.src = unknown;
    return () => {
      image.onload = null;
    };
  }, [unknown]);
  if (url === null) return null;
  if (told) return { url, ...told };
  return measured?.url === url ? measured : null;
}

/** The size that a material tells of itself; null where only the picture knows. */
export function sizeOf(material: Material): { width: number; height: number } | null {
  if (material.type === "picture") return { width: material.width, height: material.height };
  if (material.type !== "asset") return null;
  const { width, height } = material.asset;
  return width && height ? { width, height } : null;
}
