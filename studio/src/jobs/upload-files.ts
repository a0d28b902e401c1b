/** Uploads the files of one job to S3. */
import type { JobWithUploads, PresignedPost } from "@/contract/types";
import { ServiceError, toServiceError } from "@/service/error";
import { uploadToS3 } from "@/service/s3-upload";
import type { Files } from "./pending-files";

/** Callbacks of an upload. */
export interface UploadCallbacks {
  /** Reports the uploaded fraction of a role's file, from 0 to 1. */
  onProgress(role: string, fraction: number): void;
  /** Renews the presigned POSTs of the job. */
  renewForms(): Promise<JobWithUploads>;
}

/**
 * Upload the files of all roles in parallel; expired presigned POSTs are renewed once. The first failure aborts the
 * others. Throws `ServiceError`: `files_lost` if a file is missing here, else S3's error.
 */
export async function uploadFiles(
  forms: Readonly<Record<string, PresignedPost>>,
  files: Files,
  progress: UploadCallbacks,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const anySignal = AbortSignal.any([signal, stop.signal]);
  let renewal: Promise<JobWithUploads> | null = null;

  async function uploadRole(role: string, form: PresignedPost): Promise<void> {
    const file = files[role];
    if (file === undefined) throw new ServiceError("files_lost", `The file for ${role} is not here any more.`);
    const report = (fraction: number) => progress.onProgress(role, fraction);
    try {
      await uploadToS3(form, file, report, anySignal);
    } catch (error) {
      if (toServiceError(error).code !== "upload_expired") throw error;
      renewal ??= progress.renewForms();
      const renewedForm = (await renewal).uploads[role];
      if (renewedForm !== undefined) await uploadToS3(renewedForm, file, report, anySignal);
    }
  }

  try {
    await Promise.all(Object.entries(forms).map(([role, form]) => uploadRole(role, form)));
  } catch (error) {
    stop.abort();
    throw toServiceError(error);
  }
}
