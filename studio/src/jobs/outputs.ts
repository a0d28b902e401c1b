/** Outputs of a job: pictures, thumbnails, posters, and the input to compare them with. */
import { kindForm } from "@/contract/kinds";
import type { Job, Kind, Picture, Result, SubtitleFile, Video } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";

/** An output file of a job. */
export type OutputFile = Picture | Video | SubtitleFile;

const THUMBNAIL_OR_POSTER = /^(thumbnail|poster)(-\d+)?$/;

/** The full-size pictures: neither thumbnails nor posters. */
export function pictures(result: Result): Picture[] {
  return result.pictures.filter(({ name }) => !THUMBNAIL_OR_POSTER.test(name));
}

/** The thumbnail of a picture; the picture itself if there is none. */
export function thumbnailOf(result: Result, picture: Picture): Picture {
  const name = picture.name.replace(/^result/, "thumbnail");
  return result.pictures.find((one) => one.name === name) ?? picture;
}

/** The picture that represents a job in a list: the first thumbnail. Null if there is no output. */
export function coverPicture(job: Job): Picture | null {
  const all = job.result?.pictures ?? [];
  return all.find(({ name }) => name === "thumbnail") ?? all[0] ?? null;
}

/** The poster of a video: its first frame, shown until it plays. */
export function poster(result: Result): Picture | null {
  return result.pictures.find(({ name }) => name === "poster") ?? result.pictures[0] ?? null;
}

/** The role of the picture that a job starts from: the compared one, else the first required picture. */
function inputRole(kind: Kind): string | null {
  const { comparedRole } = kindForm(kind);
  const first = () => uploadRoles(kind).find(({ media, required }) => required && media === "picture");
  return comparedRole ?? first()?.name ?? null;
}

/** The picture that a job starts from; null if there is none, the file is gone, or browsers cannot show it (HEIC). */
export function inputPicture(job: Job): { key: string; url: string } | null {
  const role = inputRole(job.kind);
  const upload = role === null ? null : job.uploads[role];
  const url = upload?.content_type === "image/heic" ? null : upload?.url;
  return url ? { key: `${job.job_id}/${role}`, url } : null;
}

/** The input picture to compare a job's result with; null if the kind has none, or the file is gone. */
export function comparedPicture(job: Job): { key: string; url: string } | null {
  return kindForm(job.kind).comparedRole === null ? null : inputPicture(job);
}

const EXTENSIONS: Record<string, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "image/heic": "heic",
  "video/mp4": "mp4",
};

/** The file name for a download: the kind, the beginning of the job's id, and a number if there is one. */
export function fileName(job: Pick<Job, "job_id" | "kind">, file: OutputFile): string {
  const part = file.name === "result" || "format" in file ? "" : `-${file.name.replace(/^result-/, "")}`;
  const extension = "format" in file ? file.format : (EXTENSIONS[file.content_type] ?? "bin");
  return `${job.kind.replaceAll("_", "-")}-${job.job_id.slice(0, 8)}${part}.${extension}`;
}

const DEFAULT_RATIO = 4 / 3;

/** The expected aspect ratio (width / height) of a job's output. */
export function aspectRatio(job: Job): number {
  const role = inputRole(job.kind);
  const output = job.result?.videos[0] ?? (job.result ? pictures(job.result)[0] : null);
  for (const size of [output, role === null ? null : job.uploads[role], job.preview]) {
    if (size?.width && size.height) return size.width / size.height;
  }
  const [, aspectWidth, aspectHeight] = /^(\d+):(\d+)$/.exec(String(job.params.aspect)) ?? [];
  return aspectWidth && aspectHeight ? Number(aspectWidth) / Number(aspectHeight) : DEFAULT_RATIO;
}

/**
 * The CSS width at which a picture of an aspect ratio fits on the screen with its surroundings. It is the same before
 * and after the job's end, so that the layout is stable.
 */
export const maxWidth = (ratio: number): string => `calc(max(16rem, 100dvh - 26rem) * ${ratio.toFixed(4)})`;
