/**
 * Media type detection by a file's first bytes: extensions and the browser's guesses are often wrong. The service's own
 * detection (`darkroom/contract/file_signatures.py`) is tested with the same samples.
 */

const HEIC_BRANDS: ReadonlySet<string> = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);
const AVIF_BRANDS: ReadonlySet<string> = new Set(["avif", "avis"]);
const HEIF_BRANDS: ReadonlySet<string> = new Set(["mif1", "mif2", "mif3", "msf1", "miaf", "1pic"]);

/** A picture's type that the service accepts. */
export type PictureType = "image/jpeg" | "image/png" | "image/webp" | "image/heic";

/** The types that the service accepts, and AVIF, which browsers may convert. */
export type Media =
  | { type: "picture"; contentType: PictureType }
  | { type: "sound"; contentType: string }
  | { type: "avif" }
  | { type: "other" };

/** Whether the browser's guess of a file's type is a sound's. It calls recordings in MP4, Ogg and WebM videos. */
export function isSoundType(type: string): boolean {
  return /^(audio|video)\/|^application\/ogg$/i.test(type);
}

/** The number of bytes that `sniffMediaType` needs. */
export const HEAD_BYTES = 64;

/** The media type of a file that begins with `head`. As in the service, a video in MP4, Ogg or WebM counts as sound. */
export function sniffMediaType(head: Uint8Array): Media {
  const text = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  const start = text(0, 4);
  const form = text(8, 12);
  if (start.startsWith("\xff\xd8\xff")) return picture("image/jpeg");
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return picture("image/png");
  if (start === "RIFF" && form === "WEBP") return picture("image/webp");
  if (["RIFF", "RF64", "BW64"].includes(start) && form === "WAVE") return sound("audio/wav");
  if (start === "FORM" && (form === "AIFF" || form === "AIFC")) return sound("audio/aiff");
  if (start === "fLaC") return sound("audio/flac");
  if (start === "OggS") return sound("audio/ogg");
  if (start === "\x1aE\xdf\xa3") return sound("audio/webm");
  if (text(0, 6) === "caff\0\x01") return sound("audio/x-caf");
  if (text(0, 6) === "#!AMR\n" || text(0, 9) === "#!AMR-WB\n") return sound("audio/amr");
  if (text(4, 8) === "ftyp") return isoMedia(head, form, text);
  return mpegAudio(head, start);
}

const picture = (contentType: PictureType): Media => ({ type: "picture", contentType });
const sound = (contentType: string): Media => ({ type: "sound", contentType });

/** A file of ISO boxes: a HEIF picture or AVIF by its brands, else a sound. */
function isoMedia(head: Uint8Array, major: string, text: (from: number, to: number) => string): Media {
  const end = Math.min(head.length, new DataView(head.buffer, head.byteOffset).getUint32(0));
  const brands: string[] = [];
  for (let at = 16; at < end; at += 4) brands.push(text(at, at + 4));
  const isAvif = brands.some((brand) => AVIF_BRANDS.has(brand));
  if (AVIF_BRANDS.has(major) || (HEIF_BRANDS.has(major) && isAvif)) return { type: "avif" };
  return HEIC_BRANDS.has(major) || HEIF_BRANDS.has(major) ? picture("image/heic") : sound("audio/mp4");
}

/** MPEG audio: an ID3 tag, or a frame's sync word (11 bits) with layer III (01) of MP3 or 00 of AAC (ADTS). */
function mpegAudio(head: Uint8Array, start: string): Media {
  const [first = 0, second = 0, third = 0, fourth = 0] = head;
  // Version and sizes never have these values, texts do.
  const sizes = head.subarray(6, 10);
  if (start.startsWith("ID3")) {
    return head.length < 10 || (fourth < 0x10 && Math.max(...sizes) < 0x80) ? sound("audio/mpeg") : { type: "other" };
  }
  if (first !== 0xff) return { type: "other" };
  if ((second & 0xe6) === 0xe2) return sound("audio/mpeg");
  const hasRate = head.length < 3 || ((third >> 2) & 0x0f) < 13;
  return (second & 0xf6) === 0xf0 && hasRate ? sound("audio/aac") : { type: "other" };
}
