/** A job as the store tracks it. */
import type { Job } from "@/contract/types";
import type { ServiceError } from "@/service/error";

/** A job, its uploads, and its progress marks. */
export interface TrackedJob {
  job: Job;
  /** Role → uploaded fraction, from 0 to 1; empty if this tab uploads nothing. */
  uploadProgress: Record<string, number>;
  /** Why the upload failed; the job's own `error` says why the job failed. */
  uploadError: ServiceError | null;
  /** When this browser first saw the job, in milliseconds since the epoch. */
  startedAt: number;
  /** The first and the latest progress of the running attempt. */
  marks: readonly ProgressMark[];
}

/** A job's progress at a time: `at` in milliseconds since the epoch. */
export interface ProgressMark {
  at: number;
  progress: number;
}
