/** The compose page with mocks. Import it first, so that no mocked module is loaded before. */
import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { useObjectDetection } from "@/compose/object-detection";
import { ComposePage } from "@/compose/page";
import type { FoundObject, Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { useJobs } from "@/jobs/store";
import { useService } from "@/service/deployment";
import { useOptionLists } from "@/service/option-lists";
import { decodedImage, responses, submitJob } from "./page-state";

vi.mock("@/jobs/store", async () => {
  const [{ create }, { submitJob }] = await Promise.all([import("zustand"), import("./page-state")]);
  return { submitJob, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
vi.mock("@/service/api", async () => {
  const [{ responses: answers }, { ServiceError }] = await Promise.all([
    import("./page-state"),
    import("@/service/error"),
  ]);
  const answer = async (path: string) => answers.get(path);
  return {
    api: { GET: answer, POST: answer },
    unwrap: async (response: Promise<unknown>) => {
      const data = await response;
      if (data === undefined) throw new ServiceError("unreachable", "Nobody is there.");
      return data;
    },
  };
});
vi.mock("@/drafts/codec", async () => {
  const { decodedImage: opened } = await import("./page-state");
  return {
    browserCodec: {
      async open() {
        if (opened.fails) throw new Error("cannot");
        return { ...opened, encode: async () => null, close() {} };
      },
      seconds: async () => 5,
    },
  };
});
vi.mock("@/canvas/object-picker", () => ({
  ObjectPicker: ({ objects, onChange }: { objects: FoundObject[]; onChange(points: [number, number][]): void }) => (
    <button type="button" onClick={() => onChange([[0.25, 0.75]])}>
      Keep the {objects[0]?.label}
    </button>
  ),
}));
vi.mock("@/canvas/mask-editor", () => ({
  MaskEditor: ({ onChange }: { onChange(strokes: object[]): void }) => (
    <button
      type="button"
      onClick={() => onChange([{ type: "rectangle", effect: "fill", left: 1, top: 1, right: 9, bottom: 9 }])}
    >
      Paint
    </button>
  ),
}));

export const JPEG = new File([new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0])], "room.jpg", {
  type: "image/jpeg",
});
export const BUDGET = { spent_usd: 0, daily_usd: 10, ends_at: "2030-01-01T00:00:00Z" };

/** Renders the page of a kind. */
export function renderPage(kind: Kind) {
  const { hook, history } = memoryLocation({ path: `/make/${kind}`, record: true });
  const view = render(
    <Router hook={hook}>
      <ComposePage kind={kind} />
    </Router>,
  );
  return { ...view, history, user: userEvent.setup({ delay: null }) };
}

export const button = (name: string | RegExp) => screen.getByRole("button", { name });
export const chooseFile = (label: string, file = JPEG) =>
  fireEvent.change(screen.getByLabelText(label, { selector: "[type=file]" }), { target: { files: [file] } });

export const enterText = (box: HTMLElement, words: string) => fireEvent.change(box, { target: { value: words } });

beforeEach(() => {
  localStorage.clear();
  URL.createObjectURL = vi.fn(() => "blob:here");
  URL.revokeObjectURL = vi.fn();
  submitJob.mockReset().mockResolvedValue("0".repeat(32));
  responses.clear();
  responses.set("/limits", { rates: {}, budget: BUDGET });
  decodedImage.fails = false;
  useDrafts.setState({ drafts: {}, strokes: null });
  useFileIntake.setState({ statuses: {} });
  useObjectDetection.setState({ photo: null, jobId: null, submitting: false, error: null });
  useOptionLists.setState({ lists: {}, errors: {} });
  useJobs.setState({ entries: {} });
  useService.setState({
    status: "ready",
    service: {
      deployment: { deployment: "test", api_url: "https://api", identity_url: null, local_user: null },
      config: {
        socket_url: "",
        kinds: [],
        api: { version: "1.1", oldest_client: "1.0" },
        region: "",
        issuer: "",
        client_id: "",
        limits: {
          content_types: [],
          max_upload_bytes: 1e7,
          audio_types: ["audio/wav"],
          max_audio_bytes: 1e7,
          max_script_characters: 5000,
          max_voice_seconds: 300,
          max_video_seconds: 600,
          max_pixels: 5e7,
          max_side: 16384,
          min_side: 32,
          upload_seconds: 900,
        },
      },
    },
  });
});
