/** Open jobs of the signed-in user in localStorage, so that tracking resumes after a reload. */
import type { Job } from "@/contract/types";
import { isRecord } from "@/service/error";
import { isJob } from "@/service/job-updates";

/** A stored open job. */
export interface OpenJob {
  job: Job;
  startedAt: number;
}

/** One key for each job, so that two tabs never overwrite each other's entries. */
const PREFIX = "darkroom.open.";

/** Store an open job, without its progress image: the presigned URL would have expired. */
export function write(owner: string, { job, startedAt }: OpenJob): void {
  try {
    localStorage.setItem(PREFIX + job.job_id, JSON.stringify({ owner, startedAt, job: { ...job, preview: null } }));
  } catch {
    return; // storage is full: the service is asked after a reload
  }
}

/** Remove a job. */
export function erase(jobId: string): void {
  localStorage.removeItem(PREFIX + jobId);
}

/** The stored open jobs of `owner`; entries of other users are removed. */
export function read(owner: string): OpenJob[] {
  return keys().flatMap((key) => {
    const found = parsed(localStorage.getItem(key));
    if (found?.owner === owner && isJob(found.job) && typeof found.startedAt === "number") {
      return [{ job: found.job, startedAt: found.startedAt }];
    }
    localStorage.removeItem(key);
    return [];
  });
}

const keys = (): string[] => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

function parsed(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
