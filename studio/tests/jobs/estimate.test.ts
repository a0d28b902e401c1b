import { beforeEach, expect, test } from "vitest";
import type { Job } from "@/contract/types";
import { estimateSecondsLeft, loadDurations, nextMarks, recordDuration } from "@/jobs/estimate";
import type { ProgressMark, TrackedJob } from "@/jobs/tracked-job";
import { jobIn } from "../service/fakes";

const entry = (job: Job, marks: readonly ProgressMark[] = []): TrackedJob => ({
  job,
  marks,
  uploadProgress: {},
  uploadError: null,
  startedAt: 0,
});
const running = (progress: number, over: Partial<Job> = {}) => jobIn("running", 5, { progress, ...over });

beforeEach(() => localStorage.clear());

test("there is no estimate without history and progress", () => {
  expect(estimateSecondsLeft(entry(jobIn("queued", 2)), {}, 0)).toBeNull();
  expect(estimateSecondsLeft(entry(running(0), [{ at: 0, progress: 0 }]), {}, 5_000)).toBeNull();
});

test("an even speed is extrapolated", () => {
  const marks = [
    { at: 0, progress: 0 },
    { at: 10_000, progress: 0.5 },
  ];
  expect(estimateSecondsLeft(entry(running(0.5), marks), {}, 10_000)).toBeCloseTo(10);
  expect(estimateSecondsLeft(entry(running(0.5), marks), {}, 14_000)).toBeCloseTo(6);
});

test("a waiting job is estimated by the history of its kind and engine", () => {
  const history = { "upscale:preview": [4, 100, 6], "upscale:models": [50] };
  expect(estimateSecondsLeft(entry(jobIn("queued", 2)), history, 0)).toBe(6);
  expect(estimateSecondsLeft(entry(running(0), [{ at: 0, progress: 0 }]), history, 2_000)).toBe(4);
  expect(estimateSecondsLeft(entry(jobIn("awaiting_upload", 1)), history, 0)).toBeNull();
  // A cold start may take longer than the job.
  expect(estimateSecondsLeft(entry(jobIn("dispatched", 3)), history, 0)).toBeNull();
  expect(estimateSecondsLeft(entry(jobIn("completed", 9)), history, 0)).toBeNull();
});

test("a job's own speed counts more with its progress", () => {
  const history = { "upscale:preview": [100] };
  const at = (progress: number) =>
    estimateSecondsLeft(
      entry(running(progress), [
        { at: 0, progress: 0 },
        { at: progress * 10_000, progress },
      ]),
      history,
      progress * 10_000,
    ) ?? 0;
  expect(at(0.1)).toBeGreaterThan(80);
  expect(at(0.9)).toBeLessThan(12);
});

test("a job beyond all earlier durations has no estimate", () => {
  expect(
    estimateSecondsLeft(entry(running(0), [{ at: 0, progress: 0 }]), { "upscale:preview": [3] }, 10_000),
  ).toBeNull();
});

test("another attempt is measured from its own start", () => {
  const first = nextMarks([], null, running(0.4), 1_000);
  const second = nextMarks(first, running(0.4), running(0.6), 2_000);
  expect(second).toEqual([
    { at: 1_000, progress: 0.4 },
    { at: 2_000, progress: 0.6 },
  ]);
  expect(nextMarks(second, running(0.6), running(0.6, { attempt: 2 }), 9_000)).toEqual([{ at: 9_000, progress: 0.6 }]);
  expect(nextMarks(second, running(0.6), jobIn("queued", 8), 9_000)).toEqual([]);
});

test("durations are recorded for completed jobs that were not cached", () => {
  const done = jobIn("completed", 9, {
    timeline: [
      { stage: "enlarge", seconds: 2, cached: false },
      { stage: "save", seconds: 1, cached: false },
    ],
  });
  recordDuration(done);
  recordDuration({ ...done, cached: true });
  recordDuration({ ...done, state: "failed" });
  expect(loadDurations()).toEqual({ "upscale:preview": [3] });
  for (let time = 0; time < 20; time++) recordDuration(done);
  expect(loadDurations()["upscale:preview"]).toHaveLength(9);
});
