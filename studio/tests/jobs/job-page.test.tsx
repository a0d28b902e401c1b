import { act, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { JobPage } from "@/jobs/job-page";
import { ServiceError } from "@/service/error";
import { useOptionLists } from "@/service/option-lists";
import { API, fakeHosts, jsonResponse, problemResponse, setDeployment, upload } from "../service/fakes";
import { collectDownloads, completed, entry, ID, job, picture, renderPage, result } from "./fixtures";

const actions = vi.hoisted(() => ({
  cancel: vi.fn<(id: string) => Promise<void>>(),
  refresh: vi.fn<(id: string) => Promise<void>>(),
  rerun: vi.fn<(id: string, key: string) => Promise<string>>(),
  retryUploads: vi.fn<(id: string) => Promise<void>>(),
  trackJob: vi.fn<(id: string) => Promise<void>>(),
}));
vi.mock("@/jobs/store", async () => {
  const { create } = await import("zustand");
  return { ...actions, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
vi.mock("@/service/session", () => ({ bearerToken: async () => "token", invalidateToken: () => {} }));
const { useJobs } = await import("@/jobs/store");

const put = (one: Job) => act(async () => useJobs.setState({ entries: { [ID]: entry(one) } }));
const page = () => renderPage(<JobPage id={ID} />, `/jobs/${ID}`);

beforeEach(() => {
  for (const action of Object.values(actions)) action.mockReset();
  for (const action of [actions.cancel, actions.refresh, actions.retryUploads, actions.trackJob]) {
    action.mockResolvedValue(undefined);
  }
  useJobs.setState({ entries: {}, connection: "live" });
  useDrafts.setState({ drafts: {} });
  useOptionLists.setState({ lists: { restyle_room: [], generate: [] }, errors: {} });
  setDeployment();
});

test("a running job shows progress, then its result compared with the input photo", async () => {
  await put(job());
  page();
  expect(screen.getByRole("progressbar", { name: /Painting/ })).toBeVisible();
  await put(completed());
  expect(await screen.findByRole("slider")).toBeVisible();
  expect(screen.getByRole("img", { name: "Before" })).toHaveAttribute("src", "https://store.example.com/photo?1");
  expect(screen.getByRole("img", { name: "After" })).toHaveAttribute("src", "https://store.example.com/result.jpg?1");
  expect(screen.queryByRole("progressbar")).not.toBeInTheDocument();
  expect(screen.getByText("AI-made")).toBeVisible();
});

test("without the input photo, the result is shown alone", async () => {
  await put(completed({ uploads: { photo: upload({ received: true }) } }));
  page();
  expect(screen.queryByRole("slider")).not.toBeInTheDocument();
  expect(screen.getByRole("img", { name: "The result: Restyle a room" })).toBeVisible();
});

test("the selected picture is shown large and is the one downloaded", async () => {
  const pictures = ["result", "thumbnail", "result-2", "thumbnail-2"].map((name) => picture(name));
  await put(completed({ kind: "generate", uploads: {}, result: result({ pictures }) }));
  const { user } = page();
  const list = screen.getByRole("list", { name: "Pictures" });
  expect(within(list).getAllByRole("button")).toHaveLength(2);
  await user.click(within(list).getByRole("button", { name: "Picture 2" }));
  expect(within(list).getByRole("button", { name: "Picture 2" })).toHaveAttribute("aria-pressed", "true");
  expect(screen.getByRole("img", { name: /The result/ })).toHaveAttribute(
    "src",
    "https://store.example.com/result-2.jpg?1",
  );
  const names = collectDownloads();
  fakeHosts({ "GET https://store.example.com/result-2.jpg": () => new Response("picture") });
  await user.click(screen.getByRole("button", { name: "Download" }));
  await waitFor(() => expect(names).toEqual(["generate-4f1c4f1c-2.jpg"]));
});

test("a video has captions, and its files can be downloaded", async () => {
  const file = { size: 9, sha256: "0" };
  const video = {
    ...picture("result"),
    key: "v",
    content_type: "video/mp4",
    seconds: 4,
    frames: 100,
    frames_per_second: 25,
  };
  const subtitles = (["srt", "vtt"] as const).map((format) => ({
    ...file,
    name: "subtitles",
    key: format,
    content_type: `text/${format}`,
    url: `https://store.example.com/subtitles.${format}`,
    format,
    language: "en",
    cues: 2,
  }));
  collectDownloads();
  fakeHosts({ "GET https://store.example.com/subtitles.vtt": () => new Response("WEBVTT") });
  const withVideo = result({ videos: [video], pictures: [picture("poster"), picture("thumbnail")], subtitles });
  await put(completed({ kind: "render_video", uploads: {}, result: withVideo }));
  page();
  const shown = screen.getByLabelText("The result: Speaking portrait");
  expect(shown).toHaveAttribute("poster", "https://store.example.com/poster.jpg?1");
  await waitFor(() => expect(shown.querySelector("track")).toHaveAttribute("srclang", "en"));
  expect(screen.getByRole("button", { name: "Subtitles (VTT)" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Keep in the library" })).not.toBeInTheDocument();
});

test("a failed download shows an error", async () => {
  await put(completed());
  collectDownloads();
  fakeHosts({});
  const { user } = page();
  await user.click(screen.getByRole("button", { name: "Download" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("could not be downloaded");
});

test("a result is saved to the library once", async () => {
  await put(completed());
  const asset = { asset_id: "a", state: "ready", content_type: "image/jpeg", source: { type: "job" }, created_at: "" };
  const service = fakeHosts({ [`POST ${API}/assets`]: () => jsonResponse({ asset, upload: null }, 201) });
  const { user, history } = page();
  await user.click(screen.getByRole("button", { name: "Keep in the library" }));
  const kept = await screen.findByRole("link", { name: "Kept in your library" });
  expect(await service.calls[0]?.json()).toMatchObject({ job_id: ID, picture: "result" });
  await user.click(kept);
  expect(history.at(-1)).toBe("/assets");
});

test("a failed save to the library shows the reason and can be retried", async () => {
  await put(completed());
  fakeHosts({ [`POST ${API}/assets`]: () => problemResponse(409, "conflict") });
  const { user } = page();
  await user.click(screen.getByRole("button", { name: "Keep in the library" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It could not be kept");
  expect(screen.getByRole("button", { name: "Keep in the library" })).toBeEnabled();
});

test("the recipe shows engine, models, scores, duration and cost", async () => {
  const timeline = [
    { stage: "detect", seconds: 0.2, cached: true },
    { stage: "diffuse", seconds: 8.25, cached: false },
  ];
  await put(completed({ timeline, cost_usd: 0.0034 }));
  const { user } = page();
  await user.click(screen.getByText("Recipe"));
  expect(screen.getByText("Models engine")).toBeVisible();
  expect(screen.getByText("451f4fe161")).toBeVisible();
  expect(screen.getByRole("region", { name: "Scores" })).toHaveTextContent("Structure kept90%");
  expect(screen.getByRole("row", { name: /Painting the room in its new style 8.3 s/ })).toBeVisible();
  expect(screen.getByRole("row", { name: /Looking for furniture and people known from before/ })).toBeVisible();
  expect(screen.getByText("$0.0034")).toBeVisible();
  expect(screen.getByText("Japandi")).toBeVisible();
});

test("a cached result shows that it cost nothing", async () => {
  await put(completed({ cached: true, cost_usd: 0 }));
  const { user } = page();
  await user.click(screen.getByText("Recipe"));
  expect(screen.getByText(/it cost nothing/)).toBeVisible();
});

test("the service's notes are shown with the result", async () => {
  await put(completed({ result: result({ notes: ["Made at half size: the GPU's memory ran out."] }) }));
  page();
  expect(screen.getByText(/half size/)).toBeVisible();
});

test("editing a finished job fills the draft with its params and inputs", async () => {
  await put(completed());
  const { user, history } = page();
  await user.click(screen.getByRole("button", { name: "Again with changes…" }));
  expect(history.at(-1)).toBe("/make/restyle_room");
  const draft = useDrafts.getState().drafts.restyle_room;
  expect(draft?.params).toMatchObject({ style: "japandi" });
  expect(draft?.inputs.photo).toMatchObject({ type: "same", job_id: ID, role: "photo" });
});

test("a failed job shows the reason and advice, and can be rerun", async () => {
  const error = { code: "out_of_memory", message: "The GPU's memory ran out.", retryable: true } as const;
  await put(job({ state: "failed", error }));
  actions.rerun.mockResolvedValue("b".repeat(32));
  const { user, history } = page();
  expect(screen.getByRole("alert")).toHaveTextContent("The GPU's memory ran out.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/jobs/${"b".repeat(32)}`));
});

test("a rerun whose response was lost uses the same idempotency key again", async () => {
  const error = { code: "out_of_memory", message: "The GPU's memory ran out.", retryable: true } as const;
  await put(job({ state: "failed", error }));
  actions.rerun.mockRejectedValueOnce(new ServiceError("unreachable", "Nobody answers."));
  actions.rerun.mockResolvedValue("b".repeat(32));
  const { user, history } = page();
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("Nobody answers.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/jobs/${"b".repeat(32)}`));
  const [first, second] = actions.rerun.mock.calls;
  expect(first).toEqual([ID, expect.any(String)]);
  expect(second).toEqual(first);
});

test("a job that is not retryable has no rerun button", async () => {
  await put(job({ state: "failed", error: { code: "no_face", message: "No face.", retryable: false } }));
  page();
  expect(screen.queryByRole("button", { name: "Try again" })).not.toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Again with changes…" })).toBeVisible();
});

test("a job that expired before its uploads shows that", async () => {
  await put(job({ state: "expired", uploads: { photo: upload() } }));
  page();
  expect(screen.getByText("The files never arrived")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Try again" })).not.toBeInTheDocument();
});

test("an unknown job shows a not-found page", async () => {
  actions.trackJob.mockRejectedValue(new ServiceError("not_found", "There is no such job."));
  page();
  expect(await screen.findByText("This job is not there")).toBeVisible();
});

test("a job that is deleted while shown becomes a not-found page", async () => {
  await put(job());
  page();
  actions.trackJob.mockRejectedValue(new ServiceError("not_found", "There is no such job."));
  await act(async () => useJobs.setState({ entries: {} }));
  expect(await screen.findByText("This job is not there")).toBeVisible();
});

test("a job that could not be fetched can be fetched again", async () => {
  actions.trackJob.mockRejectedValueOnce(new ServiceError("unreachable", "Nobody answers."));
  const { user } = page();
  await user.click(await screen.findByRole("button", { name: "Try again" }));
  expect(actions.trackJob).toHaveBeenCalledTimes(2);
  await put(job());
  expect(screen.getByRole("progressbar")).toBeVisible();
});
