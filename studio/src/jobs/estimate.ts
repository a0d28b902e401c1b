/** How long a job still takes: from how fast it goes, and from how long the last ones like it took. */
import { type Job, TERMINAL } from "@/contract/types";
import { isRecord } from "@/service/error";
import type { ProgressMark, TrackedJob } from "./tracked-job";

/** Kind and engine → seconds of work of the last jobs, oldest first. */
export type DurationHistory = Readonly<Record<string, readonly number[]>>;

const KEY = "darkroom.durations";
const KEPT = 9;
/** Of the whole; less says nothing about the speed. */
const ENOUGH_PROGRESS = 0.05;

/**
 * The seconds that a job still needs, about; null where nobody can tell. `history` is what this browser has seen.
 *
 * The further the job is, the more its own speed counts, and the less what others took. While it waits for a machine
 * nobody can tell: one that has to be woken takes longer than most jobs.
 */
export function estimateSecondsLeft(
  entry: TrackedJob,
  history: DurationHistory = loadDurations(),
  now = Date.now(),
): number | null {
  const { job, marks } = entry;
  if (TERMINAL.has(job.state) || job.state === "awaiting_upload" || job.state === "dispatched") return null;
  const usual = median(history[keyOf(job.kind, job.engine)] ?? []);
  const [first] = marks;
  const last = marks.at(-1);
  if (job.state !== "running" || first === undefined || last === undefined) return usual;
  const byOthers = usual === null ? null : usual - (now - first.at) / 1000;
  const bySpeed = speedEstimate(first, last, now);
  if (bySpeed === null) return byOthers !== null && byOthers > 0 ? byOthers : null;
  if (byOthers === null) return bySpeed;
  return last.progress * bySpeed + (1 - last.progress) * Math.max(0, byOthers);
}

/** The marks of a job with its newest state: where its attempt began to show progress, and where it is. */
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

/** Remember how long a job's work took. One that was taken from the cache tells nothing. */
export function recordDuration(job: Job): void {
  const seconds = (job.timeline ?? []).reduce((sum, stage) => sum + stage.seconds, 0);
  if (job.state !== "completed" || job.cached || seconds <= 0) return;
  const history = loadDurations();
  const key = keyOf(job.kind, job.result?.engine ?? job.engine);
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...history, [key]: [...(history[key] ?? []), seconds].slice(-KEPT) }));
  } catch {
    return; // a full disk: estimates are a nicety
  }
}

/** How long jobs took that this browser has seen. */
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
