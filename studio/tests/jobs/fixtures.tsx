/** Fixtures for the job views: jobs as the API returns them, and a router to render them in. */
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import type { Job, Picture, Result } from "@/contract/types";
import type { TrackedJob } from "@/jobs/tracked-job";
import { upload } from "../service/fakes";

export const ID = "4f1c".repeat(8);
const STORE = "https://store.example.com";

/** A running job, half done. */
export function job(over: Partial<Job> = {}): Job {
  return {
    job_id: ID,
    kind: "restyle_room",
    state: "running",
    seq: 5,
    attempt: 1,
    progress: 0.5,
    stage: "diffuse",
    message: "Painting the room in its new style: step 2 of 4",
    engine: "models",
    allow_preview: false,
    cached: false,
    params: { style: "japandi", keep_people: true },
    uploads: {
      photo: upload({ received: true, width: 1200, height: 800, url: `${STORE}/photo?1` }),
    },
    preview: null,
    result: null,
    error: null,
    timeline: [],
    cost_usd: null,
    created_at: "2026-01-02T10:00:00Z",
    updated_at: "2026-01-02T10:01:00Z",
    ended: false,
    newer_version: false,
    ...over,
  };
}

export function picture(name: string, over: Partial<Picture> = {}): Picture {
  const key = `results/${ID}/${name}.jpg`;
  const url = `${STORE}/${name}.jpg?1`;
  return { name, key, url, content_type: "image/jpeg", size: 9, sha256: "0", width: 1200, height: 800, ...over };
}

export function result(over: Partial<Result> = {}): Result {
  return {
    pictures: [picture("result"), picture("thumbnail", { width: 480, height: 320 })],
    videos: [],
    subtitles: [],
    engine: "models",
    seed: 7,
    models: [{ id: "stable-diffusion-v1-5", revision: "451f4fe16113bff5a5d2269ed5ad43b0592e9a14" }],
    quality: { structure: 0.9, style: 0.8, visual: 0.7, objects: null, score: 0.8 },
    room: null,
    objects: [],
    notes: [],
    ...over,
  };
}

export const completed = (over: Partial<Job> = {}): Job =>
  job({ state: "completed", seq: 9, progress: 1, stage: null, message: "", result: result(), ...over });

export function entry(one: Job, over: Partial<TrackedJob> = {}): TrackedJob {
  return { job: one, uploadProgress: {}, uploadError: null, startedAt: 0, marks: [], ...over };
}

/** Renders a page at an address; `history` holds the visited addresses. */
export function renderPage(page: ReactNode, path = "/") {
  // jsdom cannot open dialogs.
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
  const location = memoryLocation({ path, record: true });
  const shown = render(
    <Router hook={location.hook} searchHook={location.searchHook}>
      {page}
    </Router>,
  );
  return { user: userEvent.setup(), history: location.history, navigate: location.navigate, ...shown };
}

/** Collects the names of downloads instead of saving files. */
export function collectDownloads(): string[] {
  const names: string[] = [];
  URL.createObjectURL = () => "blob:made";
  URL.revokeObjectURL = () => {};
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function click(this: HTMLAnchorElement) {
    names.push(this.download);
  });
  return names;
}
