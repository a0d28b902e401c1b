import { beforeEach, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { draftFromJob, draftOf, emptyDraft, useDrafts } from "@/drafts/draft";
import { type InputFile, pictureInput } from "@/drafts/input-file";

const KEPT = "darkroom.drafts";
const drafts = () => useDrafts.getState();
const photo = (name: string): InputFile => pictureInput(new Blob(["x"]), name, "image/jpeg", 800, 600);

beforeEach(() => {
  let count = 0;
  URL.createObjectURL = vi.fn(() => `blob:${count++}`);
  URL.revokeObjectURL = vi.fn();
  localStorage.clear();
  useDrafts.setState({ drafts: {}, strokes: null });
});

test("params persist over a reload; files and params about them do not", async () => {
  drafts().setInput("restyle_room", "photo", photo("room.jpg"));
  drafts().setParam("restyle_room", "style", "boho");
  drafts().setParam("restyle_room", "keep_at", [[0.5, 0.5]]);
  drafts().change("restyle_room", { engine: "models", cache: false });
  drafts().setParam("face_swap", "consent", true);
  const kept = localStorage.getItem(KEPT) ?? "";
  useDrafts.setState({ drafts: {} });
  localStorage.setItem(KEPT, kept);
  await useDrafts.persist.rehydrate();
  expect(draftOf(drafts(), "restyle_room")).toEqual({
    ...emptyDraft("restyle_room"),
    params: { style: "boho" },
    engine: "models",
    cache: false,
  });
  expect(draftOf(drafts(), "face_swap").params).toEqual({});
});

test("unknown stored drafts are left out", async () => {
  localStorage.setItem(
    KEPT,
    JSON.stringify({ state: { drafts: [{ kind: "knit" }, 7, { kind: "upscale", params: 3 }] } }),
  );
  await useDrafts.persist.rehydrate();
  expect(drafts().drafts).toEqual({ upscale: emptyDraft("upscale") });
});

test("another photo clears the points on the first and revokes its URL", () => {
  drafts().setInput("restyle_room", "photo", photo("one.jpg"));
  drafts().setParam("restyle_room", "keep_at", [[0.5, 0.5]]);
  drafts().setParam("restyle_room", "style", "boho");
  drafts().setInput("restyle_room", "photo", photo("two.jpg"));
  expect(draftOf(drafts(), "restyle_room").params).toEqual({ style: "boho" });
  expect(URL.revokeObjectURL).toHaveBeenCalledExactlyOnceWith("blob:0");
});

test("the URL of a photo that another kind uses is not revoked", () => {
  const shared = photo("one.jpg");
  drafts().setInput("restyle_room", "photo", shared);
  drafts().setInput("upscale", "photo", shared);
  drafts().setInput("upscale", "photo", null);
  expect(URL.revokeObjectURL).not.toHaveBeenCalled();
  drafts().reset("restyle_room");
  expect(URL.revokeObjectURL).toHaveBeenCalledOnce();
});

test("every new picture clears the consent", () => {
  drafts().setParam("face_swap", "consent", true);
  drafts().setInput("face_swap", "source", photo("ann.jpg"));
  expect(draftOf(drafts(), "face_swap").params.consent).toBeUndefined();
});

test("strokes are cleared with their photo only", () => {
  drafts().setInput("inpaint", "photo", photo("one.jpg"));
  drafts().setStrokes([{ type: "invert" }]);
  drafts().setParam("inpaint", "prompt", "a vase");
  drafts().setInput("upscale", "photo", photo("other.jpg"));
  expect(drafts().strokes).toHaveLength(1);
  drafts().setInput("inpaint", "photo", photo("two.jpg"));
  expect(drafts().strokes).toBeNull();
});

test("a draft from a job has its params and inputs", () => {
  const job = {
    job_id: "a".repeat(32),
    kind: "inpaint",
    params: { prompt: "a vase", steps: 25 },
    allow_preview: true,
    uploads: {
      photo: { content_type: "image/jpeg", url: "https://files/photo" },
      mask: { content_type: "image/png" },
    },
  } as unknown as Job;
  expect(draftFromJob(job)).toEqual({
    ...emptyDraft("inpaint"),
    params: { prompt: "a vase", steps: 25 },
    allowPreview: true,
    inputs: {
      photo: { type: "same", job_id: job.job_id, role: "photo", url: "https://files/photo" },
      mask: { type: "same", job_id: job.job_id, role: "mask", url: null },
    },
  });
});

test("scenes of an earlier job get roles for the files that they lack", () => {
  const scenes = [
    { type: "image", picture: "front", voice_track: null },
    { type: "avatar", avatar: "voice_track_1", script: "Hello" },
  ];
  const { params } = draftFromJob({
    job_id: "a",
    kind: "render_scenes",
    params: { scenes },
    uploads: {},
  } as unknown as Job);
  expect(params.scenes).toEqual([
    { type: "image", picture: "front", voice_track: "voice_track_2" },
    { type: "avatar", avatar: "voice_track_1", script: "Hello", voice_track: "voice_track_3" },
  ]);
});

test("an earlier job's mask is removed with its photo", () => {
  const same = (role: string): InputFile => ({ type: "same", job_id: "a", role, url: null });
  drafts().put({ ...emptyDraft("inpaint"), inputs: { photo: same("photo"), mask: same("mask") } });
  drafts().setInput("inpaint", "photo", photo("two.jpg"));
  expect(Object.keys(draftOf(drafts(), "inpaint").inputs)).toEqual(["photo"]);
});
