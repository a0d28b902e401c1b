import { expect, test } from "vitest";
import { draftToSubmit, unusedParams } from "@/compose/unused-params";
import { draft, PHOTO, VOICE } from "./drafts";

test("params without effect are neither shown nor sent", () => {
  expect(unusedParams(draft("generate", { negative_prompt: "people" })).has("negative_prompt")).toBe(true);
  expect(unusedParams(draft("generate", { profile: "quality" })).has("negative_prompt")).toBe(false);
  expect(unusedParams(draft("inpaint", { prompt: "a vase" })).size).toBe(0);
  const sent = draftToSubmit(draft("generate", { prompt: "a lamp", negative_prompt: "people" }), new Set());
  expect(sent.params).toEqual({ prompt: "a lamp", negative_prompt: "" });
});

test("files that no scene names and voices without a file are not sent", () => {
  const scenes = [
    { type: "image", picture: "picture_1", voice_track: "voice_track_1" },
    { type: "avatar", avatar: "avatar_1", voice_track: "voice_track_2", voice: "amy" },
  ];
  const inputs = { picture_1: PHOTO, avatar_1: PHOTO, voice_track_2: VOICE, picture_9: PHOTO, music: VOICE };
  const sent = draftToSubmit(draft("render_scenes", { scenes }, inputs), new Set(["music"]));
  expect(Object.keys(sent.inputs).sort()).toEqual(["avatar_1", "music", "picture_1", "voice_track_2"]);
  expect(sent.params.scenes).toEqual([
    { type: "image", picture: "picture_1" },
    { type: "avatar", avatar: "avatar_1", voice_track: "voice_track_2" },
  ]);
});
