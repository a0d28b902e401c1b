/** An input file as a photo to draw on: its URL, and its size in pixels. */
import { useEffect, useState } from "react";
import type { InputFile } from "@/drafts/input-file";
import { useUrlCheck } from "@/service/presigned-url";
import { useInputUrl } from "./use-input-url";

/** A picture to be shown, `width` × `height` pixels when upright. */
export interface Photo {
  url: string;
  width: number;
  height: number;
}

/** The photo of an input file once its size is known; null before, and for files without a preview. */
export function usePhoto(inputFile: InputFile | undefined): Photo | null {
  const inputUrl = useInputUrl(inputFile);
  const { url } = inputUrl;
  const knownSize = inputFile ? sizeOf(inputFile) : null;
  const [measured, setMeasured] = useState<Photo | null>(null);
  useUrlCheck(inputUrl, inputFile?.type === "asset" || inputFile?.type === "same");
  const urlToMeasure = knownSize === null ? url : null;
  useEffect(() => {
    if (urlToMeasure === null) return;
    const image = new Image();
    image.onload = () => setMeasured({ url: urlToMeasure, width: image.naturalWidth, height: image.naturalHeight });
    image.src = urlToMeasure;
    return () => {
      image.onload = null;
    };
  }, [urlToMeasure]);
  if (url === null) return null;
  if (knownSize) return { url, ...knownSize };
  return measured?.url === url ? measured : null;
}

/** The size that an input file already knows; null if the picture has to be loaded. */
function sizeOf(inputFile: InputFile): { width: number; height: number } | null {
  if (inputFile.type === "picture") return { width: inputFile.width, height: inputFile.height };
  if (inputFile.type !== "asset") return null;
  const { width, height } = inputFile.asset;
  return width && height ? { width, height } : null;
}
