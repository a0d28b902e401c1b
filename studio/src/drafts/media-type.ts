/** Media type detection by a file's first bytes: extensions and the browser's guesses are often wrong. */

const STILL_BRANDS: ReadonlySet<string> = new Set([
  "heic",
  "heix",
  "heim",
  "heis",
  "hevc",
  "mif1",
  "msf1",
  "avif",
  "avis",
]);

/** The types that the service accepts, and those that browsers may convert (`heif`: HEIC and AVIF). */
export type Media =
  | { type: "picture"; contentType: "image/jpeg" | "image/png" | "image/webp" }
  | { type: "sound"; contentType: string }
  | { type: "heif" }
  | { type: "other" };

/** Whether the browser's guess of a file's type is a sound's. It calls recordings in MP4, Ogg and WebM videos. */
export function isSoundType(type: string): boolean {
  return /^(audio|video)\/|^application\/ogg$/i.test(type);
}

/** The number of bytes that `sniffMediaType` needs. */
export const HEAD_BYTES = 12;

/** The media type of a file that begins with `head`. As in the service, a video in MP4, Ogg or WebM counts as sound. */
export function sniffMediaType(head: Uint8Array): Media {
  const text = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  const [first = 0, second = 0] = head;
  if (first === 0xff && second === 0xd8 && head[2] === 0xff) return { type: "picture", contentType: "image/jpeg" };
  if (first === 0x89 && text(1, 8) === "PNG\r\n\x1a\n") return { type: "picture", contentType: "image/png" };
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return { type: "picture", contentType: "image/webp" };
  if (text(0, 4) === "RIFF" && text(8, 12) === "WAVE") return { type: "sound", contentType: "audio/wav" };
  if (text(0, 4) === "fLaC") return { type: "sound", contentType: "audio/flac" };
  if (text(0, 4) === "OggS") return { type: "sound", contentType: "audio/ogg" };
  if (first === 0x1a && text(1, 4) === "E\xdf\xa3") return { type: "sound", contentType: "audio/webm" };
  if (text(4, 8) === "ftyp") {
    return STILL_BRANDS.has(text(8, 12)) ? { type: "heif" } : { type: "sound", contentType: "audio/mp4" };
  }
  // MPEG audio: an ID3 tag, or the first frame's sync word (11 bits) with layer III (01).
  if (text(0, 3) === "ID3" || (first === 0xff && (second & 0xe6) === 0xe2)) {
    return { type: "sound", contentType: "audio/mpeg" };
  }
  return { type: "other" };
}
