import { act, screen } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { JobCard } from "@/jobs/job-card";
import type { TrackedJob } from "@/jobs/tracked-job";
import { ServiceError } from "@/service/error";
import { upload } from "../service/fakes";
import { entry, ID, job, renderPage } from "./fixtures";

const actions = vi.hoisted(() => ({
  cancel: vi.fn<(id: string) => Promise<void>>(),
  retryUploads: vi.fn<(id: string) => Promise<void>>(),
  refresh: vi.fn<(id: string) => Promise<void>>(),
}));
vi.mock("@/jobs/store", async () => {
  const { create } = await import("zustand");
  return { ...actions, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
const { useJobs } = await import("@/jobs/store");

/** The card of the tracked job, as a page renders it. */
function Card() {
  const one = useJobs(({ entries }) => entries[ID]);
  return one ? <JobCard entry={one} /> : null;
}
const put = (one: Job, over: Partial<TrackedJob> = {}) =>
  act(async () => useJobs.setState({ entries: { [ID]: entry(one, over) } }));
const bar = (name: RegExp | string) => screen.getByRole("progressbar", { name });

beforeEach(() => {
  localStorage.clear();
  for (const action of Object.values(actions)) action.mockReset().mockResolvedValue(undefined);
  useJobs.setState({ entries: { [ID]: entry(job()) }, connection: "live" });
});

test("a job shows its stage, its progress and the remaining time", async () => {
  const now = Date.now();
  await put(job(), {
    marks: [
      { at: now - 60_000, progress: 0 },
      { at: now, progress: 0.5 },
    ],
  });
  renderPage(<Card />);
  expect(bar("Painting the room in its new style: 2 of 4")).toHaveValue(0.5);
  expect(screen.getByText("About a minute left")).toBeVisible();
});

test("the progress bar never moves back", async () => {
  renderPage(<Card />);
  await put(job({ seq: 6, state: "queued", attempt: 1, progress: 0.2, stage: null }));
  expect(bar(/Trying once more/)).toHaveValue(0.5);
  await put(job({ seq: 7, attempt: 2, progress: 0.6 }));
  expect(bar(/Painting/)).toHaveValue(0.6);
});

const progressImage = (key: string, draft = false) => ({
  key,
  width: 256,
  height: 171,
  url: `https://store.example.com/${key}`,
  draft,
});

test("the input photo is shown until a progress image arrives, which gets sharper", async () => {
  renderPage(<Card />);
  expect(screen.getByRole("img", { name: /The photo you gave/ })).toHaveAttribute(
    "src",
    expect.stringMatching("photo"),
  );
  await put(job({ seq: 6, preview: progressImage("look-1") }));
  const first = screen.getByRole("img", { name: /live look/ });
  expect(first).toHaveAttribute("src", "https://store.example.com/look-1");
  const soft = () => Number.parseFloat(screen.getByRole("img", { name: /live look/ }).style.filter.slice(5));
  const before = soft();
  await put(
    job({ seq: 7, progress: 0.8, preview: { ...progressImage("look-1"), url: "https://store.example.com/other" } }),
  );
  expect(soft()).toBeLessThan(before);
  expect(first).toHaveAttribute("src", "https://store.example.com/look-1");
  await put(job({ seq: 8, progress: 0.9, preview: progressImage("look-2") }));
  expect(screen.getAllByRole("img", { name: /live look/ })).toHaveLength(1);
  expect(screen.getByRole("img", { name: /live look/ })).toHaveAttribute("src", "https://store.example.com/look-2");
});

test("a draft is sharp and marked as one, until the first progress image", async () => {
  renderPage(<Card />);
  await put(job({ seq: 6, state: "dispatched", stage: null, progress: 0, preview: progressImage("draft", true) }));
  const draft = screen.getByRole("img", { name: "A draft of the picture" });
  expect(draft).toHaveAttribute("src", "https://store.example.com/draft");
  expect(Number.parseFloat(draft.style.filter.slice(5))).toBe(0);
  expect(screen.getByText("Draft").closest("p")).toHaveTextContent(
    "Draft by the preview engine, while a machine wakes",
  );
  await put(job({ seq: 7, progress: 0.1, preview: progressImage("draft", true) }));
  expect(screen.getByText("Draft")).toBeVisible();
  await put(job({ seq: 8, progress: 0.2, preview: progressImage("look-1") }));
  expect(screen.getByRole("img", { name: /live look/ })).toHaveAttribute("src", "https://store.example.com/look-1");
  expect(screen.queryByText("Draft")).not.toBeInTheDocument();
});

test("each upload has a progress bar and can be retried after a failure", async () => {
  const uploadError = new ServiceError("unreachable", "The storage does not answer.", { retryable: true });
  const uploads: Job["uploads"] = { photo: upload() };
  const waiting = job({ state: "awaiting_upload", kind: "inpaint", progress: 0, stage: null, uploads });
  await put(waiting, { uploadProgress: { photo: 0.4, mask: 1 }, uploadError });
  const { user } = renderPage(<Card />);
  expect(bar("Sending: photo")).toHaveValue(0.4);
  expect(bar("mask sent")).toHaveValue(1);
  expect(screen.getByRole("alert")).toHaveTextContent("The storage does not answer.");
  await user.click(screen.getByRole("button", { name: "Send again" }));
  expect(actions.retryUploads).toHaveBeenCalledWith(ID);
});

test("a job can be cancelled, and a failed cancellation shows an error", async () => {
  actions.cancel.mockRejectedValueOnce(new ServiceError("offline", "No network."));
  const { user } = renderPage(<Card />);
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(actions.cancel).toHaveBeenCalledWith(ID);
  expect(await screen.findByRole("alert")).toHaveTextContent("No network.");
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();
});

test("a connection lost for longer than a moment shows a notice until it is back", () => {
  vi.useFakeTimers();
  try {
    renderPage(<Card />);
    act(() => useJobs.setState({ connection: "connecting" }));
    act(() => vi.advanceTimersByTime(1000));
    expect(screen.queryByText(/live line/)).not.toBeInTheDocument();
    act(() => vi.advanceTimersByTime(2000));
    expect(screen.getByText(/live line broke/)).toBeVisible();
    act(() => useJobs.setState({ connection: "live" }));
    expect(screen.queryByText(/live line/)).not.toBeInTheDocument();
  } finally {
    vi.useRealTimers();
  }
});

test("screen readers hear each stage once, not each counter", async () => {
  const { container } = renderPage(<Card />);
  const said = () => [...container.querySelectorAll("[aria-live]")].map((one) => one.textContent).join();
  await put(job({ message: "Painting the room in its new style: step 2 of 4" }));
  expect(bar(/2 of 4/)).toBeVisible();
  const first = said();
  expect(first).toMatch(/Painting/);
  await put(job({ seq: 6, message: "Painting the room in its new style: step 3 of 4" }));
  expect(bar(/3 of 4/)).toBeVisible();
  expect(said()).toBe(first);
});
