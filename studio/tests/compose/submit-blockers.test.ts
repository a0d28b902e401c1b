import { expect, test } from "vitest";
import { hasMask, submitBlockers } from "@/compose/submit-blockers";
import type { Limits } from "@/contract/types";
import type { InputFile } from "@/drafts/input-file";
import { draft, PHOTO, VOICE } from "./drafts";

const LIMITS = { max_voice_seconds: 300 } as Limits;
const AVATAR: InputFile = { type: "avatar", name: "amara", url: "" };
const UNPAINTED = { strokes: null, size: null };

const missing = (...given: Parameters<typeof draft>) =>
  submitBlockers(draft(...given), UNPAINTED, LIMITS).map(({ path, reason }) => `${path}: ${reason}`);

test("blockers are listed in the order of the page", () => {
  expect(missing("restyle_room")).toEqual(["uploads.photo: file", "params.style: choose"]);
  expect(missing("restyle_room", { style: "boho" }, { photo: PHOTO })).toEqual([]);
  expect(missing("generate", { prompt: "  " })).toEqual(["params.prompt: fill_in"]);
  expect(missing("face_swap", {}, { source: PHOTO, target: PHOTO })).toEqual(["params.consent: consent"]);
  expect(missing("upscale", {}, { photo: PHOTO })).toEqual([]);
});

test("a portrait needs a script, or a recorded voice within the limit", () => {
  expect(missing("render_video", {}, { avatar: AVATAR })).toEqual(["params.script: words_or_voice"]);
  expect(missing("render_video", { script: "Hello" }, { avatar: AVATAR })).toEqual([]);
  expect(missing("render_video", {}, { avatar: AVATAR, voice_track: VOICE })).toEqual([]);
  const long: InputFile = { ...VOICE, seconds: 301 } as InputFile;
  expect(missing("render_video", {}, { avatar: AVATAR, voice_track: long })).toEqual([
    "uploads.voice_track: voice_too_long",
  ]);
});

test("a portrait of one's own speaks with consent alone", () => {
  const script = "Hello";
  const same: InputFile = { type: "same", job_id: "a", role: "avatar", url: null };
  for (const own of [PHOTO, same]) {
    expect(missing("render_video", { script }, { avatar: own })).toEqual(["params.consent: consent"]);
    expect(missing("render_video", { script, consent: true }, { avatar: own })).toEqual([]);
  }
  expect(missing("render_video", { script }, { avatar: { ...same, isAvatar: true } })).toEqual([]);
  const scenes = [
    { type: "avatar", avatar: "a", script },
    { type: "image", picture: "p" },
  ];
  expect(missing("render_scenes", { scenes }, { a: PHOTO, p: PHOTO })).toEqual(["params.consent: consent"]);
  expect(missing("render_scenes", { scenes }, { a: AVATAR, p: PHOTO })).toEqual([]);
});

test("blockers of scenes name the scene and the field", () => {
  const scenes = [
    { type: "image", picture: "picture_1" },
    { type: "generated", prompt: "" },
    { type: "avatar", avatar: "avatar_1" },
  ];
  expect(missing("render_scenes", { scenes: [] })).toEqual(["params.scenes: scenes"]);
  expect(missing("render_scenes", { scenes })).toEqual([
    "params.scenes.0.picture: file",
    "params.scenes.1.prompt: fill_in",
    "params.scenes.2.avatar: file",
    "params.scenes.2.script: words_or_voice",
  ]);
});

test("a mask is painted or comes from an earlier job", () => {
  const size = { width: 80, height: 60 };
  const inpaint = draft("inpaint", {}, { photo: PHOTO });
  const same: InputFile = { type: "same", job_id: "a", role: "mask", url: null };
  const rectangle = { type: "rectangle", effect: "fill", left: 1, top: 1, right: 9, bottom: 9 } as const;
  expect(hasMask(inpaint, { strokes: null, size })).toBe(false);
  expect(hasMask(inpaint, { strokes: [rectangle], size })).toBe(true);
  expect(hasMask(inpaint, { strokes: [rectangle, { ...rectangle, effect: "erase" }], size })).toBe(false);
  const earlier = { ...inpaint, inputs: { photo: PHOTO, mask: same } };
  expect(hasMask(earlier, { strokes: null, size })).toBe(true);
  // Another mask is to be painted: nothing is shown, so nothing is submitted.
  expect(hasMask(earlier, { strokes: [], size })).toBe(false);
});
