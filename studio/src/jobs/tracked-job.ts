/** A job as the store tracks it. */
import type { Job } from "@/contract/types";
import type { ServiceError } from "@/service/error";

/** A job as this studio knows it. */
export interface TrackedJob {
  job: Job;
  /** Role → how much of its file was sent from here, from 0 to 1; empty where nothing is sent from here. */
  uploadProgress: Record<string, number>;
  /** Why its files do not arrive; the job itself says why it failed. */
  uploadError: ServiceError | null;
  /** When this browser first knew of it, in milliseconds since the epoch. */
  startedAt: number;
  /** How far the running attempt was, at first and of late. */
  marks: readonly ProgressMark[];
}

/** How far a job was, and when: `at` in milliseconds since the epoch. */
export interface ProgressMark {
  at: number;
  progress: number;
}
