/** Decoding of pictures and sounds by the browser, behind an interface so that tests need no browser. */

/** A decoded picture, upright by its EXIF, `width` × `height` pixels. */
export interface DecodedImage {
  width: number;
  height: number;
  /** Scale to `width` × `height` and encode. Null if the browser cannot allocate such a canvas. */
  encode(width: number, height: number): Promise<Blob | null>;
  close(): void;
}

/** The browser functions that `readInputFile` uses. */
export interface Codec {
  /** Decode a picture. Rejects if the browser cannot. */
  open(file: Blob): Promise<DecodedImage>;
  /** The duration of a sound; null if the browser cannot tell. */
  seconds(url: string): Promise<number | null>;
}

const JPEG_QUALITY = 0.92;
const PROBE_SIDE = 64;

function canvas(bitmap: ImageBitmap, width: number, height: number) {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  const context = element.getContext("2d");
  if (context) {
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
  }
  return { element, context };
}

/** Whether a picture has transparent pixels, judged by a scaled-down version. */
function hasTransparency(bitmap: ImageBitmap): boolean {
  const { context } = canvas(bitmap, PROBE_SIDE, PROBE_SIDE);
  const data = context?.getImageData(0, 0, PROBE_SIDE, PROBE_SIDE).data ?? new Uint8ClampedArray();
  for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 255) < 255) return true;
  return false;
}

/** The codec that uses the browser's own decoders. */
export const browserCodec: Codec = {
  async open(file) {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    return {
      width: bitmap.width,
      height: bitmap.height,
      encode(width, height) {
        const { element } = canvas(bitmap, width, height);
        // Browsers without a WebP encoder return PNG, which keeps transparency as well.
        const type = hasTransparency(bitmap) ? "image/webp" : "image/jpeg";
        return new Promise((done) => element.toBlob(done, type, JPEG_QUALITY));
      },
      close: () => bitmap.close(),
    };
  },
  seconds(url) {
    return new Promise((done) => {
      const sound = new Audio();
      sound.preload = "metadata";
      sound.onloadedmetadata = () => done(Number.isFinite(sound.duration) ? sound.duration : null);
      sound.onerror = () => done(null);
      sound.src = url;
    });
  },
};
