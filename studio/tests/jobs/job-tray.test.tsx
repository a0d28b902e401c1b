import { act, screen, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { JobTray } from "@/jobs/job-tray";
import { ServiceError } from "@/service/error";
import { completed, entry, job, renderPage } from "./fixtures";

const actions = vi.hoisted(() => ({
  cancel: vi.fn<(id: string) => Promise<void>>(),
  refresh: vi.fn<(id: string) => Promise<void>>(),
  untrackJob: vi.fn<(id: string) => void>(),
}));
vi.mock("@/jobs/store", async () => {
  const { create } = await import("zustand");
  return { ...actions, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
const { useJobs } = await import("@/jobs/store");

const A = "a".repeat(32);
const B = "b".repeat(32);
const put = (...jobs: Job[]) =>
  act(async () => useJobs.setState({ entries: Object.fromEntries(jobs.map((one) => [one.job_id, entry(one)])) }));
const renderTray = (over: Partial<Job> = {}) => job({ job_id: A, ...over });
const enlarged = (over: Partial<Job> = {}) =>
  job({ job_id: B, kind: "upscale", progress: 0.3, stage: "enlarge", ...over });

beforeEach(() => {
  for (const action of Object.values(actions)) action.mockReset();
  actions.cancel.mockResolvedValue(undefined);
  actions.untrackJob.mockImplementation((id) => {
    const { [id]: _, ...others } = useJobs.getState().entries;
    useJobs.setState({ entries: others });
  });
  useJobs.setState({ entries: {}, connection: "live" });
});

test("several open jobs are shown on every page, each with a progress bar", async () => {
  await put(renderTray(), enlarged());
  const { user } = renderPage(<JobTray />, "/assets");
  expect(screen.getByText("2 jobs developing")).toBeVisible();
  await user.click(screen.getByText("2 jobs developing"));
  const list = screen.getByRole("complementary", { name: "Jobs under way" });
  expect(within(list).getByRole("progressbar", { name: /Painting/ })).toHaveValue(0.5);
  expect(within(list).getByRole("progressbar", { name: /Enlarging/ })).toHaveValue(0.3);
  expect(within(list).getByRole("link", { name: "Enlarge" })).toHaveAttribute("href", `/jobs/${B}`);
});

test("without jobs there is no tray; a job's own page omits that job", async () => {
  const { navigate } = renderPage(<JobTray />, "/assets");
  expect(screen.queryByRole("list")).not.toBeInTheDocument();
  await put(renderTray());
  expect(screen.getByText("1 job developing")).toBeVisible();
  await act(async () => navigate(`/jobs/${A}`));
  expect(screen.queryByText("1 job developing")).not.toBeInTheDocument();
});

test("a job that ends is announced and stays in the tray until viewed", async () => {
  await put(renderTray());
  const { navigate } = renderPage(<JobTray />, "/assets");
  await put(completed({ job_id: A }));
  expect(screen.getByText("Restyle a room: Ready")).toBeInTheDocument();
  expect(screen.getByText("1 job ended")).toBeVisible();
  await act(async () => navigate(`/jobs/${A}`));
  await act(async () => navigate("/assets"));
  expect(screen.queryByText("1 job ended")).not.toBeInTheDocument();
});

test("a job that ended earlier is not in the tray", async () => {
  await put(completed({ job_id: A }));
  renderPage(<JobTray />, "/assets");
  expect(screen.queryByText(/ended/)).not.toBeInTheDocument();
});

test("a job can be cancelled in the tray, and dismissed after its end", async () => {
  await put(renderTray());
  const { user } = renderPage(<JobTray />, "/assets");
  await user.click(screen.getByText("1 job developing"));
  await user.click(screen.getByRole("button", { name: "Cancel: Restyle a room" }));
  expect(actions.cancel).toHaveBeenCalledWith(A);
  await put(renderTray({ state: "cancelled" }));
  await user.click(screen.getByRole("button", { name: "Put away: Restyle a room" }));
  expect(screen.queryByText(/ended/)).not.toBeInTheDocument();
});

test("a failed cancellation shows an error", async () => {
  await put(renderTray());
  actions.cancel.mockRejectedValue(new ServiceError("unreachable", "Nobody answers."));
  const { user } = renderPage(<JobTray />, "/assets");
  await user.click(screen.getByText("1 job developing"));
  await user.click(screen.getByRole("button", { name: "Cancel: Restyle a room" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The service does not answer");
});

test("two jobs that end alike are announced separately", async () => {
  await put(renderTray(), renderTray({ job_id: B }));
  renderPage(<JobTray />, "/assets");
  await put(completed({ job_id: A }), renderTray({ job_id: B }));
  const first = screen.getByText("Restyle a room: Ready");
  await put(completed({ job_id: A }), completed({ job_id: B }));
  expect(screen.getByText("Restyle a room: Ready")).not.toBe(first);
});

test("failed uploads are shown in the tray", async () => {
  const waiting = entry(renderTray({ state: "awaiting_upload", progress: 0, stage: null }), {
    uploadError: new ServiceError("unreachable", "Nobody answers."),
  });
  useJobs.setState({ entries: { [A]: waiting } });
  const { user } = renderPage(<JobTray />, "/assets");
  await user.click(screen.getByText("1 job developing"));
  expect(screen.getByText(/did not get through/)).toBeVisible();
});

test("object detection for a draft is not shown in the tray", async () => {
  await put(renderTray({ kind: "find_objects" }));
  renderPage(<JobTray />, "/make/restyle_room");
  expect(screen.queryByText(/developing/)).not.toBeInTheDocument();
});
