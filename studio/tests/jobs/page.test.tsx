import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { JobsPage } from "@/jobs/page";
import { API, fakeHosts, jsonResponse, problemResponse, setDeployment } from "../service/fakes";
import { completed, entry, job, picture, renderPage, result } from "./fixtures";

const actions = vi.hoisted(() => ({
  trackListedJob: vi.fn<(job: Job) => void>(),
  refresh: vi.fn<(id: string) => Promise<void>>(),
}));
vi.mock("@/jobs/store", async () => {
  const { create } = await import("zustand");
  return { ...actions, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
vi.mock("@/service/session", () => ({ bearerToken: async () => "token", invalidateToken: () => {} }));
const { useJobs } = await import("@/jobs/store");

const A = "a".repeat(32);
const B = "b".repeat(32);
const JOBS = `GET ${API}/jobs`;

/** Responds with pages of jobs; a page's cursor is its number. */
function pages(...of: Job[][]) {
  return fakeHosts({
    [JOBS]: ({ url }) => {
      const number = Number(new URL(url).searchParams.get("cursor") ?? 0);
      return jsonResponse({ jobs: of[number] ?? [], cursor: number + 1 < of.length ? String(number + 1) : null });
    },
  });
}

beforeEach(() => {
  useJobs.setState({ entries: {}, connection: "live" });
  setDeployment();
});

test("jobs are listed, older ones on request", async () => {
  pages([completed({ job_id: A })], [job({ job_id: B, kind: "upscale", state: "failed" })]);
  const { user } = renderPage(<JobsPage />, "/jobs");
  expect(await screen.findByRole("link", { name: /Restyle a room Ready/ })).toHaveAttribute("href", `/jobs/${A}`);
  await user.click(screen.getByRole("button", { name: "Show older jobs" }));
  expect(await screen.findByRole("link", { name: /Enlarge Failed/ })).toBeVisible();
  expect(screen.getByRole("link", { name: /Restyle a room/ })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Show older jobs" })).not.toBeInTheDocument();
});

test("filters for kind and state are kept in the address", async () => {
  const service = pages([completed({ job_id: A })]);
  const { user, history } = renderPage(<JobsPage />, "/jobs");
  await user.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "Enlarge");
  await user.selectOptions(screen.getByRole("combobox", { name: "State" }), "Failed");
  await waitFor(() => {
    const asked = new URL(service.calls.at(-1)?.url ?? "").searchParams;
    expect([asked.get("kind"), asked.get("status")]).toEqual(["upscale", "failed"]);
  });
  expect(history.at(-1)).toMatch(/kind=upscale&state=failed/);
});

test("a late response to an earlier filter is ignored", async () => {
  let late: (answer: Response) => void = () => {};
  fakeHosts({
    [JOBS]: ({ url }) =>
      new URL(url).searchParams.has("kind")
        ? jsonResponse({ jobs: [job({ job_id: B, kind: "upscale", state: "failed" })], cursor: null })
        : new Promise<Response>((resolve) => {
            late = resolve;
          }),
  });
  const { user } = renderPage(<JobsPage />, "/jobs");
  await user.selectOptions(screen.getByRole("combobox", { name: "Kind" }), "Enlarge");
  expect(await screen.findByRole("link", { name: /Enlarge/ })).toBeVisible();
  late(jsonResponse({ jobs: [completed({ job_id: A })], cursor: null }));
  await waitFor(() => expect(screen.queryByRole("link", { name: /Restyle/ })).not.toBeInTheDocument());
});

test("a tracked job is shown in its current state", async () => {
  pages([job({ job_id: A, seq: 3 })]);
  useJobs.setState({ entries: { [A]: entry(completed({ job_id: A, seq: 9 })) } });
  renderPage(<JobsPage />, "/jobs");
  expect(await screen.findByRole("link", { name: /Restyle a room Ready/ })).toBeVisible();
});

test("an empty list shows where to begin", async () => {
  pages([]);
  renderPage(<JobsPage />, "/jobs");
  expect(await screen.findByText("No jobs yet")).toBeVisible();
  expect(screen.getByRole("link", { name: "Make something" })).toHaveAttribute("href", "/");
});

test("filters that match nothing can be cleared", async () => {
  pages([]);
  const { user, history } = renderPage(<JobsPage />, "/jobs?kind=upscale");
  expect(await screen.findByText("No job fits")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Show everything" }));
  expect(history.at(-1)).not.toMatch(/kind/);
});

test("a list that cannot be fetched shows the reason and can be retried", async () => {
  const service = fakeHosts({ [JOBS]: () => problemResponse(403, "forbidden") });
  const { user } = renderPage(<JobsPage />, "/jobs");
  expect(await screen.findByRole("alert")).toHaveTextContent("Your jobs could not be fetched");
  service.routes[JOBS] = () => jsonResponse({ jobs: [completed({ job_id: A })], cursor: null });
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("link", { name: /Restyle a room/ })).toBeVisible();
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();
});

test("an expired thumbnail is shown from a refreshed URL", async () => {
  const listed = (signature: number) =>
    completed({
      job_id: A,
      result: result({ pictures: [picture("thumbnail", { url: `https://store.example.com/t.jpg?${signature}` })] }),
    });
  pages([listed(1)]);
  const { container } = renderPage(<JobsPage />, "/jobs");
  await screen.findByRole("link", { name: /Restyle a room/ });
  const shown = () => container.querySelector("li img");
  actions.refresh.mockImplementation(async () => useJobs.setState({ entries: { [A]: entry(listed(2)) } }));
  const image = shown();
  if (image === null) throw new Error("there is no picture");
  await act(async () => fireEvent.error(image));
  expect(shown()).toHaveAttribute("src", "https://store.example.com/t.jpg?2");
});

test("a list shows the photo in place of a draft, which it has no room to mark", async () => {
  const draft = { key: "draft", width: 4, height: 3, url: "https://store.example.com/draft", draft: true };
  pages([job({ job_id: A, state: "dispatched", preview: draft })]);
  const { container } = renderPage(<JobsPage />, "/jobs");
  await screen.findByRole("link", { name: /Restyle a room/ });
  expect(container.querySelector("li img")).toHaveAttribute("src", expect.stringMatching("photo"));
});

test("listed open jobs of other devices are tracked", async () => {
  pages([job({ job_id: A })]);
  renderPage(<JobsPage />, "/jobs");
  await screen.findByRole("link", { name: /Restyle a room/ });
  expect(actions.trackListedJob).toHaveBeenCalledWith(expect.objectContaining({ job_id: A }));
});
