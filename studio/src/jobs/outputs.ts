/** Which of a job's files is what. */
import type { Job, Picture, Result, SubtitleFile, Video } from "@/contract/types";

/** A file that a job made. */
export type OutputFile = Picture | Video | SubtitleFile;

const SMALL = /^(thumbnail|poster)(-\d+)?$/;

/** The pictures that were asked for: neither thumbnails nor posters. */
export function pictures(result: Result): Picture[] {
  return result.pictures.filter(({ name }) => !SMALL.test(name));
}

/** The small version of a picture that was asked for; the picture itself where there is none. */
export function thumbnailOf(result: Result, picture: Picture): Picture {
  const name = picture.name.replace(/^result/, "thumbnail");
  return result.pictures.find((one) => one.name === name) ?? picture;
}

/** What a job is recognised by in a list: the first small picture; null where nothing was made. */
export function coverPicture(job: Job): Picture | null {
  const all = job.result?.pictures ?? [];
  return all.find(({ name }) => name === "thumbnail") ?? all[0] ?? null;
}

/** A video's first frame, shown until it plays. */
export function poster(result: Result): Picture | null {
  return result.pictures.find(({ name }) => name === "poster") ?? result.pictures[0] ?? null;
}

const comparedRole = (job: Job) => (job.kind === "face_swap" ? "target" : "photo");

/** What to compare a result with: the picture it was made from. Null where there was none, or it is gone. */
export function inputPicture(job: Job): { key: string; url: string } | null {
  const role = comparedRole(job);
  const url = job.uploads[role]?.url;
  return url ? { key: `${job.job_id}/${role}`, url } : null;
}

const ENDINGS: Record<string, string> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "video/mp4": "mp4",
};

/** What a file is called on the person's own disk: its kind, the job's first letters, and its number if it has one. */
export function fileName(job: Pick<Job, "job_id" | "kind">, file: OutputFile): string {
  const part = file.name === "result" || "format" in file ? "" : `-${file.name.replace(/^result-/, "")}`;
  const ending = "format" in file ? file.format : (ENDINGS[file.content_type] ?? "bin");
  return `${job.kind.replaceAll("_", "-")}-${job.job_id.slice(0, 8)}${part}.${ending}`;
}

const EVEN = 4 / 3;

/** Width over height of what a job is going to make, as far as one can tell beforehand. */
export function aspectRatio(job: Job): number {
  const output = job.result?.videos[0] ?? (job.result ? pictures(job.result)[0] : null);
  for (const size of [output, job.uploads[comparedRole(job)], job.preview]) {
    if (size?.width && size.height) return size.width / size.height;
  }
  const [, across, down] = /^(\d+):(\d+)$/.exec(String(job.params.aspect)) ?? [];
  return across && down ? Number(across) / Number(down) : EVEN;
}

/**
 * The width that a picture may have, so that it is seen whole together with what stands around it. In CSS, of a picture
 * `shape` times as wide as high; the same before a job's end and after, so that nothing moves then.
 */
export const maxWidth = (ratio: number): string => `calc(max(16rem, 100dvh - 26rem) * ${ratio.toFixed(4)})`;
