/** Estimates the remaining time of a job, from its own speed and from the durations of earlier jobs. */
import { hasEnded, type Job } from "@/contract/types";
import { isRecord } from "@/service/error";
import type { ProgressMark, TrackedJob } from "./tracked-job";

/** Kind and engine → durations of the last jobs in seconds, oldest first. */
export type DurationHistory = Readonly<Record<string, readonly number[]>>;

const KEY = "darkroom.durations";
const HISTORY_LENGTH = 9;
/** The fraction of progress below which the speed is not reliable. */
const ENOUGH_PROGRESS = 0.05;

/**
 * The estimated seconds until a job ends; null if unknown. `history` holds durations seen by this browser.
 *
 * The further the job is, the more its own speed counts. There is no estimate while it waits for a machine, because a
 * cold start takes longer than most jobs.
 */
export function estimateSecondsLeft(
  entry: TrackedJob,
  history: DurationHistory = loadDurations(),
  now = Date.now(),
): number | null {
  const { job, marks } = entry;
  if (hasEnded(job) || job.state === "awaiting_upload" || job.state === "dispatched") return null;
  const medianSeconds = median(history[keyOf(job.kind, job.engine)] ?? []);
  const [first] = marks;
  const last = marks.at(-1);
  if (job.state !== "running" || first === undefined || last === undefined) return medianSeconds;
  const byHistory = medianSeconds === null ? null : medianSeconds - (now - first.at) / 1000;
  const bySpeed = speedEstimate(first, last, now);
  if (bySpeed === null) return byHistory !== null && byHistory > 0 ? byHistory : null;
  if (byHistory === null) return bySpeed;
  return last.progress * bySpeed + (1 - last.progress) * Math.max(0, byHistory);
}

/** The progress marks of a job after an update: the first of its attempt, and the latest. */
export function nextMarks(
  marks: readonly ProgressMark[],
  before: Job | null,
  job: Job,
  now = Date.now(),
): readonly ProgressMark[] {
  if (job.state !== "running") return [];
  const newest = { at: now, progress: job.progress ?? 0 };
  const [first] = before?.attempt === job.attempt ? marks : [];
  if (first === undefined) return [newest];
  return marks.at(-1)?.progress === newest.progress ? marks : [first, newest];
}

/** Record how long a job took. Results from the cache are ignored. */
export function recordDuration(job: Job): void {
  const seconds = (job.timeline ?? []).reduce((sum, stage) => sum + stage.seconds, 0);
  if (job.state !== "completed" || job.cached || seconds <= 0) return;
  const history = loadDurations();
  const key = keyOf(job.kind, job.result?.engine ?? job.engine);
  try {
    localStorage.setItem(
      KEY,
      JSON.stringify({ ...history, [key]: [...(history[key] ?? []), seconds].slice(-HISTORY_LENGTH) }),
    );
  } catch {
    return; // storage is full: the estimate is optional
  }
}

/** The recorded durations of this browser. */
export function loadDurations(): DurationHistory {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (!isRecord(found)) return {};
    return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, numbersOf(values)]));
  } catch {
    return {};
  }
}

const keyOf = (kind: string, engine: string): string => `${kind}:${engine}`;

const numbersOf = (values: unknown): number[] =>
  Array.isArray(values) ? values.filter((one) => typeof one === "number" && one > 0) : [];

function speedEstimate(first: ProgressMark, last: ProgressMark, now: number): number | null {
  const done = last.progress - first.progress;
  const seconds = (last.at - first.at) / 1000;
  if (done < ENOUGH_PROGRESS || seconds <= 0) return null;
  return Math.max(0, ((1 - last.progress) * seconds) / done - (now - last.at) / 1000);
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
