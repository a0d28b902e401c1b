import { beforeEach, expect, test } from "vitest";
import type { Job } from "@/contract/types";
import { durations, estimate, learn, marked } from "@/jobs/estimate";
import type { Entry, Mark } from "@/jobs/tracked-job";
import { jobIn } from "../service/fakes";

const entry = (job: Job, marks: readonly Mark[] = []): Entry => ({ job, marks, sent: {}, trouble: null, startedAt: 0 });
const running = (progress: number, over: Partial<Job> = {}) => jobIn("running", 5, { progress, ...over });

beforeEach(() => localStorage.clear());

test("nothing is known of the first job before it moves", () => {
  expect(estimate(entry(jobIn("queued", 2)), {}, 0)).toBeNull();
  expect(estimate(entry(running(0), [{ at: 0, progress: 0 }]), {}, 5_000)).toBeNull();
});

test("a job that goes at an even speed takes the rest of its time", () => {
  const marks = [
    { at: 0, progress: 0 },
    { at: 10_000, progress: 0.5 },
  ];
  expect(estimate(entry(running(0.5), marks), {}, 10_000)).toBeCloseTo(10);
  expect(estimate(entry(running(0.5), marks), {}, 14_000)).toBeCloseTo(6);
});

test("a job that waits takes what the last ones of its kind and engine took", () => {
  const history = { "upscale:preview": [4, 100, 6], "upscale:models": [50] };
  expect(estimate(entry(jobIn("queued", 2)), history, 0)).toBe(6);
  expect(estimate(entry(running(0), [{ at: 0, progress: 0 }]), history, 2_000)).toBe(4);
  expect(estimate(entry(jobIn("awaiting_upload", 1)), history, 0)).toBeNull();
  // The machine that it was given to may have to be woken, which takes longer than the work.
  expect(estimate(entry(jobIn("dispatched", 3)), history, 0)).toBeNull();
  expect(estimate(entry(jobIn("completed", 9)), history, 0)).toBeNull();
});

test("its own speed counts the more, the further it is", () => {
  const history = { "upscale:preview": [100] };
  const at = (progress: number) =>
    estimate(
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

test("a job that took longer than any before has no estimate rather than a wrong one", () => {
  expect(estimate(entry(running(0), [{ at: 0, progress: 0 }]), { "upscale:preview": [3] }, 10_000)).toBeNull();
});

test("another attempt is measured from its own beginning", () => {
  const first = marked([], null, running(0.4), 1_000);
  const second = marked(first, running(0.4), running(0.6), 2_000);
  expect(second).toEqual([
    { at: 1_000, progress: 0.4 },
    { at: 2_000, progress: 0.6 },
  ]);
  expect(marked(second, running(0.6), running(0.6, { attempt: 2 }), 9_000)).toEqual([{ at: 9_000, progress: 0.6 }]);
  expect(marked(second, running(0.6), jobIn("queued", 8), 9_000)).toEqual([]);
});

test("what work took is learned, from jobs that were worked on", () => {
  const done = jobIn("completed", 9, {
    timeline: [
      { stage: "enlarge", seconds: 2, cached: false },
      { stage: "save", seconds: 1, cached: false },
    ],
  });
  learn(done);
  learn({ ...done, cached: true });
  learn({ ...done, state: "failed" });
  expect(durations()).toEqual({ "upscale:preview": [3] });
  for (let time = 0; time < 20; time++) learn(done);
  expect(durations()["upscale:preview"]).toHaveLength(9);
});
