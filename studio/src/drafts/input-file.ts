/** Input files of a draft: local files, assets of the library, avatars, and inputs of earlier jobs. */
import type { Asset, ErrorCode, Limits } from "@/contract/types";
import { ServiceError } from "@/service/error";
import { browserCodec, type Codec, type DecodedImage } from "./codec";
import { DESCRIPTION_BYTES, heicSize } from "./heic-size";
import { HEAD_BYTES, sniffMediaType } from "./media-type";

/** A photo, as it will be uploaded. `width` and `height` are those of the upright picture, in pixels. */
export interface PictureInput {
  type: "picture";
  file: Blob;
  name: string;
  contentType: string;
  width: number;
  height: number;
  /** An object URL of `file`; null if the browser cannot show it (HEIC). */
  url: string | null;
  /** The size of the original file, if it was reduced or converted. */
  original?: { width: number; height: number; size: number };
}

/** A recorded sound; `seconds` is null if the browser cannot tell. */
export interface SoundInput {
  type: "sound";
  file: Blob;
  name: string;
  contentType: string;
  seconds: number | null;
  url: string;
}

/** The input of one role of a draft. */
export type InputFile =
  | PictureInput
  | SoundInput
  | { type: "asset"; asset: Asset }
  | { type: "avatar"; name: string; url: string }
  /** The input of an earlier job for `role`; `url` is null if the file is gone. */
  | { type: "same"; job_id: string; role: string; url: string | null; isAvatar?: boolean };

/** The reason why a file is rejected: a key of `rejected_file` in compose.json. */
export type RejectionReason =
  | "empty"
  | "type"
  | "heic"
  | "unreadable"
  | "too_small"
  | "too_large"
  | "sound_too_large"
  | "picture_wanted"
  | "sound_wanted";

const CODES: Record<RejectionReason, ErrorCode> = {
  empty: "empty_file",
  type: "unsupported_media",
  heic: "unsupported_media",
  unreadable: "invalid_image",
  too_small: "invalid_image",
  too_large: "too_large",
  sound_too_large: "too_large",
  picture_wanted: "unsupported_media",
  sound_wanted: "unsupported_media",
};

/** The error for a rejected file. `values` are the message's variables, `code` is the service's error code. */
export class InputFileError extends ServiceError {
  constructor(
    readonly reason: RejectionReason,
    readonly values: Readonly<Record<string, string | number>> = {},
  ) {
    super(CODES[reason], `The file was not taken: ${reason}.`);
  }
}

const MEGABYTE = 1024 * 1024;
const ATTEMPTS = 6;

/**
 * Read a file as an input file. Throws `InputFileError`.
 *
 * A picture within the limits is uploaded unchanged; the service rotates it by its EXIF, as browsers do. A larger one
 * is reduced, and `original` holds its former size. A HEIC becomes a JPEG if the browser can decode it. If it cannot,
 * it is uploaded as it is, unless it has to be shown (`mustShow`), to paint on it for example.
 */
export async function readInputFile(
  file: File,
  limits: Limits,
  { codec = browserCodec, mustShow = false }: { codec?: Codec; mustShow?: boolean } = {},
): Promise<InputFile> {
  if (file.size === 0) throw new InputFileError("empty");
  const mediaType = sniffMediaType(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (mediaType.type === "other") throw new InputFileError("type");
  if (mediaType.type === "sound") return readSound(file, mediaType.contentType, limits, codec);
  const isHeic = mediaType.type === "picture" && mediaType.contentType === "image/heic";
  const decoded = await codec.open(file).catch(() => {
    if (!isHeic && mediaType.type === "picture") throw new InputFileError("unreadable");
    return null;
  });
  if (decoded === null) {
    if (!isHeic || mustShow || !limits.content_types.includes("image/heic")) throw new InputFileError("heic");
    return readHeic(file, limits);
  }
  try {
    const { width, height } = decoded;
    checkSides(width, height, limits);
    const scale = fitScale(width, height, limits);
    if (mediaType.type === "picture" && !isHeic && scale === 1 && file.size <= limits.max_upload_bytes) {
      return pictureInput(file, file.name, mediaType.contentType, width, height);
    }
    const reduced = await reduce(decoded, scale, limits);
    const name = `${file.name.replace(/\.[^.]*$/, "")}.${reduced.blob.type === "image/jpeg" ? "jpg" : reduced.blob.type.slice(6)}`;
    const resized = pictureInput(reduced.blob, name, reduced.blob.type, reduced.width, reduced.height);
    return { ...resized, original: { width, height, size: file.size } };
  } finally {
    decoded.close();
  }
}

function checkSides(width: number, height: number, limits: Limits): void {
  const shorter = Math.min(width, height);
  if (shorter < limits.min_side) throw new InputFileError("too_small", { width, height, least: limits.min_side });
}

/** A HEIC as it is, which the service decodes. Without the browser it cannot be made smaller. */
async function readHeic(file: File, limits: Limits): Promise<InputFile> {
  const size = heicSize(new Uint8Array(await file.slice(0, DESCRIPTION_BYTES).arrayBuffer()));
  if (size === null) throw new InputFileError("unreadable");
  const { width, height } = size;
  checkSides(width, height, limits);
  if (fitScale(width, height, limits) < 1 || file.size > limits.max_upload_bytes) {
    throw new InputFileError("too_large", { megabytes: Math.floor(limits.max_upload_bytes / MEGABYTE) });
  }
  return { type: "picture", file, name: file.name, contentType: "image/heic", width, height, url: null };
}

/** The scale, from 0 to 1, at which a picture keeps the limits of sides and area. */
export function fitScale(width: number, height: number, limits: Limits): number {
  return Math.min(1, limits.max_side / Math.max(width, height), Math.sqrt(limits.max_pixels / (width * height)));
}

/** A generated file, such as a painted mask, as an input file. */
export function pictureInput(
  file: Blob,
  name: string,
  contentType: string,
  width: number,
  height: number,
): PictureInput {
  return { type: "picture", file, name, contentType, width, height, url: URL.createObjectURL(file) };
}

/** The preview URL of an input file; null for sounds, and for pictures that are gone. */
export function previewUrl(inputFile: InputFile): string | null {
  switch (inputFile.type) {
    case "sound":
      return null;
    case "asset":
      return inputFile.asset.url ?? null;
    default:
      return inputFile.url;
  }
}

/** Revoke the object URL of an input file, if it has one. */
export function revokeUrl(inputFile: InputFile): void {
  if ((inputFile.type === "picture" || inputFile.type === "sound") && inputFile.url !== null) {
    URL.revokeObjectURL(inputFile.url);
  }
}

async function readSound(file: File, contentType: string, limits: Limits, codec: Codec): Promise<InputFile> {
  if (!limits.audio_types.includes(contentType)) throw new InputFileError("type");
  if (file.size > limits.max_audio_bytes) {
    throw new InputFileError("sound_too_large", { megabytes: Math.floor(limits.max_audio_bytes / MEGABYTE) });
  }
  const url = URL.createObjectURL(file);
  return { type: "sound", file, name: file.name, contentType, seconds: await codec.seconds(url), url };
}

/** Encode ever smaller versions until one fits the canvas and the byte limit. */
async function reduce(decoded: DecodedImage, scale: number, limits: Limits) {
  let scaleFactor = scale;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const width = Math.max(1, Math.floor(decoded.width * scaleFactor));
    const height = Math.max(1, Math.floor(decoded.height * scaleFactor));
    const blob = await decoded.encode(width, height);
    if (blob && blob.size <= limits.max_upload_bytes) return { blob, width, height };
    scaleFactor *= blob ? Math.min(0.9, Math.sqrt(limits.max_upload_bytes / blob.size)) : 0.7;
  }
  throw new InputFileError("too_large", { megabytes: Math.floor(limits.max_upload_bytes / MEGABYTE) });
}
