/** The files of one job on their way to the storage. */
import type { JobWithUploads, PresignedPost } from "@/contract/types";
import { ServiceError, toServiceError } from "@/service/error";
import { uploadToS3 } from "@/service/s3-upload";
import type { Files } from "./pending-files";

/** What is done meanwhile. */
export interface UploadCallbacks {
  /** A role's file is at `fraction`, from 0 to 1. */
  onProgress(role: string, fraction: number): void;
  /** Fresh forms for what the job waits for. */
  renewForms(): Promise<JobWithUploads>;
}

/**
 * Upload the file of every role that has a form, all at the same time; forms that ran out of time are asked for anew
 * once. Throws `ServiceError`: `files_lost` when a file is not here, and what the storage refused. The first failure stops
 * the others.
 */
export async function uploadFiles(
  forms: Readonly<Record<string, PresignedPost>>,
  files: Files,
  progress: UploadCallbacks,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let renewal: Promise<JobWithUploads> | null = null;

  async function one(role: string, form: PresignedPost): Promise<void> {
    const file = files[role];
    if (file === undefined) throw new ServiceError("files_lost", `The file for ${role} is not here any more.`);
    const report = (fraction: number) => progress.onProgress(role, fraction);
    try {
      await uploadToS3(form, file, report, either);
    } catch (error) {
      if (toServiceError(error).code !== "upload_expired") throw error;
      renewal ??= progress.renewForms();
      const fresh = (await renewal).uploads[role];
      if (fresh !== undefined) await uploadToS3(fresh, file, report, either);
    }
  }

  try {
    await Promise.all(Object.entries(forms).map(([role, form]) => one(role, form)));
  } catch (error) {
    stop.abort();
    throw toServiceError(error);
  }
}
