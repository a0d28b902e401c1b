/** Pictures and sounds as the browser opens them; apart, so that tests can do without a browser. */

/** A picture that was opened: upright by its EXIF, `width` × `height` pixels. */
export interface DecodedImage {
  width: number;
  height: number;
  /** The picture reduced to `width` × `height` and encoded; null where the browser cannot hold a canvas of that size. */
  encode(width: number, height: number): Promise<Blob | null>;
  close(): void;
}

/** What `read` needs of a browser. */
export interface Codec {
  /** Opens a picture. Rejects when the browser cannot. */
  open(file: Blob): Promise<DecodedImage>;
  /** How long a sound lasts; null when the browser cannot say. */
  seconds(url: string): Promise<number | null>;
}

const JPEG_QUALITY = 0.92;
const PROBE = 64;

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

/** Whether a small version of the picture lets anything shine through. */
function transparent(bitmap: ImageBitmap): boolean {
  const { context } = canvas(bitmap, PROBE, PROBE);
  const data = context?.getImageData(0, 0, PROBE, PROBE).data ?? new Uint8ClampedArray();
  for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 255) < 255) return true;
  return false;
}

/** The browser's own. */
export const browserCodec: Codec = {
  async open(file) {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    return {
      width: bitmap.width,
      height: bitmap.height,
      encode(width, height) {
        const { element } = canvas(bitmap, width, height);
        // A browser that cannot write WebP gives PNG, which keeps transparency as well.
        const type = transparent(bitmap) ? "image/webp" : "image/jpeg";
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
