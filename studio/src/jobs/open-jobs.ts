/** The open jobs of whoever is signed in, as last seen: written down, so that a reload goes on from there. */
import type { Job } from "@/contract/types";
import { isRecord } from "@/service/error";
import { isJob } from "@/service/job-updates";

/** What is written down of an open job. */
export interface OpenJob {
  job: Job;
  startedAt: number;
}

/** One key a job: two tabs then never overwrite what the other wrote. */
const PREFIX = "darkroom.open.";

/** Write down an open job. Its live look is left out: the link would be of no use later. */
export function write(owner: string, { job, startedAt }: OpenJob): void {
  try {
    localStorage.setItem(PREFIX + job.job_id, JSON.stringify({ owner, startedAt, job: { ...job, preview: null } }));
  } catch {
    return; // a full disk: the service is asked after a reload
  }
}

/** The job is open no longer. */
export function erase(jobId: string): void {
  localStorage.removeItem(PREFIX + jobId);
}

/** Every open job of `owner`; whatever somebody else left is erased. */
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
