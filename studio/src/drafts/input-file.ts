/** What a job is made of: files of the person's, pictures of the library, portraits, and what earlier jobs were given. */
import type { Asset, ErrorCode, Limits } from "@/contract/types";
import { ServiceError } from "@/service/error";
import { browserCodec, type Codec, type DecodedImage } from "./codec";
import { HEAD_BYTES, sniffMediaType } from "./media-type";

/** A photo, as it will be sent. `width` and `height` are those of the upright picture, in pixels. */
export interface PictureInput {
  type: "picture";
  file: Blob;
  name: string;
  contentType: string;
  width: number;
  height: number;
  /** An object URL of `file`. */
  url: string;
  /** What the person's file was, where it had to be reduced or converted. */
  original?: { width: number; height: number; size: number };
}

/** A recorded sound; `seconds` is null when the browser cannot tell. */
export interface SoundInput {
  type: "sound";
  file: Blob;
  name: string;
  contentType: string;
  seconds: number | null;
  url: string;
}

/** What stands for one role of a draft. */
export type InputFile =
  | PictureInput
  | SoundInput
  | { type: "asset"; asset: Asset }
  | { type: "avatar"; name: string; url: string }
  /** The file that an earlier job was given for `role`; `url` is null when it is gone. */
  | { type: "same"; job_id: string; role: string; url: string | null };

/** Why a file is not taken; words for each are in `compose.json` under `refused`. */
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

/** A file that cannot be taken. `values` fill in the words, `code` is what the service would say. */
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
 * A file as the service takes it, or a `MaterialError`.
 *
 * A picture that keeps to the limits is sent to the bit (the service turns it upright by its EXIF, as browsers do); one
 * beyond them is reduced, and `original` says from what.
 */
export async function readInputFile(file: File, limits: Limits, codec: Codec = browserCodec): Promise<InputFile> {
  if (file.size === 0) throw new InputFileError("empty");
  const media = sniffMediaType(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (media.type === "other") throw new InputFileError("type");
  if (media.type === "sound") return readSound(file, media.contentType, limits, codec);
  const opened = await codec.open(file).catch(() => {
    throw new InputFileError(media.type === "heif" ? "heic" : "unreadable");
  });
  try {
    const { width, height } = opened;
    const shorter = Math.min(width, height);
    if (shorter < limits.min_side) throw new InputFileError("too_small", { width, height, least: limits.min_side });
    const scale = fitScale(width, height, limits);
    if (media.type === "picture" && scale === 1 && file.size <= limits.max_upload_bytes) {
      return pictureInput(file, file.name, media.contentType, width, height);
    }
    const reduced = await reduce(opened, scale, limits);
    const name = `${file.name.replace(/\.[^.]*$/, "")}.${reduced.blob.type === "image/jpeg" ? "jpg" : reduced.blob.type.slice(6)}`;
    const resized = pictureInput(reduced.blob, name, reduced.blob.type, reduced.width, reduced.height);
    return { ...resized, original: { width, height, size: file.size } };
  } finally {
    opened.close();
  }
}

/** How much smaller a picture must be, from 0 to 1, to have no side and no area beyond the limits. */
export function fitScale(width: number, height: number, limits: Limits): number {
  return Math.min(1, limits.max_side / Math.max(width, height), Math.sqrt(limits.max_pixels / (width * height)));
}

/** A file of ours, such as a drawn mask, as a material. */
export function pictureInput(
  file: Blob,
  name: string,
  contentType: string,
  width: number,
  height: number,
): PictureInput {
  return { type: "picture", file, name, contentType, width, height, url: URL.createObjectURL(file) };
}

/** Where a material can be looked at; null for sounds, and for pictures that are gone. */
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

/** Lets go of the memory behind a material's object URL; others have none. */
export function revokeUrl(inputFile: InputFile): void {
  if (inputFile.type === "picture" || inputFile.type === "sound") URL.revokeObjectURL(inputFile.url);
}

async function readSound(file: File, contentType: string, limits: Limits, codec: Codec): Promise<InputFile> {
  if (!limits.audio_types.includes(contentType)) throw new InputFileError("type");
  if (file.size > limits.max_audio_bytes) {
    throw new InputFileError("sound_too_large", { megabytes: Math.floor(limits.max_audio_bytes / MEGABYTE) });
  }
  const url = URL.createObjectURL(file);
  return { type: "sound", file, name: file.name, contentType, seconds: await codec.seconds(url), url };
}

/** Ever smaller versions until one is taken: by the canvas, then by the limit of bytes. */
async function reduce(opened: DecodedImage, scale: number, limits: Limits) {
  let factor = scale;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const width = Math.max(1, Math.floor(opened.width * factor));
    const height = Math.max(1, Math.floor(opened.height * factor));
    const blob = await opened.encode(width, height);
    if (blob && blob.size <= limits.max_upload_bytes) return { blob, width, height };
    factor *= blob ? Math.min(0.9, Math.sqrt(limits.max_upload_bytes / blob.size)) : 0.7;
  }
  throw new InputFileError("too_large", { megabytes: Math.floor(limits.max_upload_bytes / MEGABYTE) });
}
