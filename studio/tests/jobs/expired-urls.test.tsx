/** Presigned URLs that expire while a job's page is open. */
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { JobPage } from "@/jobs/job-page";
import { fakeLayout } from "../canvas/fake-layout";
import { fakeHosts, setDeployment } from "../service/fakes";
import { collectDownloads, completed, entry, ID, picture, renderPage, result } from "./fixtures";

const actions = vi.hoisted(() => ({
  refresh: vi.fn<(id: string) => Promise<void>>(),
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
const refreshed = (name: string) => picture(name, { url: `https://store.example.com/${name}.jpg?2` });

beforeEach(() => {
  for (const action of Object.values(actions)) action.mockReset().mockResolvedValue(undefined);
  useJobs.setState({ entries: {}, connection: "live" });
  setDeployment();
});

test("an expired picture URL is refreshed", async () => {
  await put(completed({ uploads: {} }));
  page();
  fireEvent.error(screen.getByRole("img", { name: /The result/ }));
  expect(actions.refresh).toHaveBeenCalledWith(ID);
});

test("an expired URL is refreshed before a download fails", async () => {
  await put(completed());
  const names = collectDownloads();
  const routes = fakeHosts({
    "GET https://store.example.com/result.jpg": ({ url }) =>
      url.endsWith("?2") ? new Response("picture") : new Response("expired", { status: 403 }),
  });
  const fresh = picture("result", { url: "https://store.example.com/result.jpg?2" });
  actions.refresh.mockImplementation(() => put(completed({ result: result({ pictures: [fresh] }) })));
  const { user } = page();
  await user.click(screen.getByRole("button", { name: "Download" }));
  await waitFor(() => expect(names).toEqual(["restyle-room-4f1c4f1c.jpg"]));
  expect(routes.calls).toHaveLength(2);
});

test("a picture whose URL has expired is refreshed at full size, and downloaded", async () => {
  fakeLayout(200, 100);
  await put(completed({ uploads: {} }));
  const names = collectDownloads();
  fakeHosts({
    "GET https://store.example.com/result.jpg": ({ url }) =>
      url.endsWith("?2") ? new Response("picture") : new Response("ExpiredToken", { status: 400 }),
  });
  actions.refresh.mockImplementation(() =>
    put(completed({ uploads: {}, result: result({ pictures: [refreshed("result")] }) })),
  );
  const { user } = page();
  await user.click(screen.getByRole("button", { name: "Full size" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("button", { name: "Download" }));
  await waitFor(() => expect(names).toEqual(["restyle-room-4f1c4f1c.jpg"]));
  expect(within(dialog).queryByText(/could not be fetched/)).not.toBeInTheDocument();
});

test("expired captions are fetched from a refreshed URL", async () => {
  const video = { ...picture("result"), key: "v", content_type: "video/mp4", seconds: 4, frames: 100 };
  const made = (signature: number) =>
    completed({
      kind: "render_video",
      uploads: {},
      result: result({
        videos: [{ ...video, frames_per_second: 25 }],
        subtitles: [
          {
            ...{ name: "subtitles", key: "vtt", content_type: "text/vtt", size: 9, sha256: "0" },
            ...{ url: `https://store.example.com/subtitles.vtt?${signature}`, format: "vtt", language: "en", cues: 2 },
          },
        ],
      }),
    });
  collectDownloads();
  fakeHosts({
    "GET https://store.example.com/subtitles.vtt": ({ url }) =>
      url.endsWith("?2") ? new Response("WEBVTT") : new Response("expired", { status: 403 }),
  });
  actions.refresh.mockImplementation(async () => useJobs.setState({ entries: { [ID]: entry(made(2)) } }));
  await put(made(1));
  page();
  const shown = screen.getByLabelText("The result: Speaking portrait");
  await waitFor(() => expect(shown.querySelector("track")).toHaveAttribute("src", "blob:made"));
});

test("a video whose URL has expired goes on where it was", async () => {
  const video = { ...picture("result"), content_type: "video/mp4", seconds: 4, frames: 100, frames_per_second: 25 };
  const made = (signature: number) => {
    const url = `https://store.example.com/result.mp4?${signature}`;
    return completed({ kind: "render_video", uploads: {}, result: result({ videos: [{ ...video, url }] }) });
  };
  actions.refresh.mockImplementation(async () => useJobs.setState({ entries: { [ID]: entry(made(2)) } }));
  await put(made(1));
  page();
  const shown = screen.getByLabelText<HTMLVideoElement>("The result: Speaking portrait");
  const play = vi.spyOn(shown, "play").mockResolvedValue();
  vi.spyOn(shown, "paused", "get").mockReturnValue(false);
  shown.currentTime = 2.5;
  fireEvent.error(shown);
  await waitFor(() => expect(shown).toHaveAttribute("src", "https://store.example.com/result.mp4?2"));
  shown.currentTime = 0;
  fireEvent.loadedMetadata(shown);
  expect(shown.currentTime).toBe(2.5);
  expect(play).toHaveBeenCalledOnce();
  fireEvent.loadedMetadata(shown);
  expect(play).toHaveBeenCalledOnce();
});
