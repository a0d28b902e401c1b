import { expect, test } from "vitest";
import { empty } from "@/compose/draft";
import { place } from "@/compose/layout";
import type { Material } from "@/compose/material";
import { masked, obstacles, roles } from "@/compose/obstacle";
import { idle, sendable } from "@/compose/rules";
import { ends, fields, ranged } from "@/compose/shape";
import { KINDS, paramsSchema } from "@/contract/schemas";
import type { JsonObject, Kind, Limits } from "@/contract/types";

const PHOTO: Material = {
  type: "picture",
  file: new Blob(),
  name: "photo.jpg",
  contentType: "image/jpeg",
  width: 80,
  height: 60,
  url: "blob:photo",
};
const VOICE: Material = {
  type: "sound",
  file: new Blob(),
  name: "voice.wav",
  contentType: "audio/wav",
  seconds: 10,
  url: "blob:voice",
};
const LIMITS = { max_voice_seconds: 300 } as Limits;
const UNPAINTED = { strokes: null, size: null };

const draft = (kind: Kind, params: JsonObject = {}, materials: Record<string, Material> = {}) => ({
  ...empty(kind),
  params,
  materials,
});
const missing = (...given: Parameters<typeof draft>) =>
  obstacles(draft(...given), UNPAINTED, LIMITS).map(({ path, reason }) => `${path}: ${reason}`);

test.each(KINDS)("every param of %s has a control, a panel, or a list it belongs to", (kind) => {
  const all = fields(paramsSchema(kind));
  const { stage, main, more } = place(kind, all);
  const shown = new Set([...stage, ...main, ...more].map(({ name }) => name));
  const unseen = all.filter(({ name }) => !shown.has(name)).map(({ name }) => name);
  expect(unseen.filter((name) => !["style", "keep_at"].includes(name))).toEqual([]);
  expect(all.filter(({ shape }) => shape.type === "json")).toEqual([]);
});

test("a param that is new shows itself: folded away, or in the open where it must be given", () => {
  const schema = {
    properties: {
      warmth: { type: "number", minimum: 0, maximum: 1, title: "Warmth" },
      season: { type: "string", enum: ["spring", "autumn"], title: "Season" },
    },
    required: ["season"],
  } as const;
  const { main, more } = place("upscale", fields(schema));
  expect(main.map(({ title }) => title)).toEqual(["Season"]);
  expect(more.map(({ title }) => title)).toEqual(["Warmth"]);
});

test("a choice among numbers is one of numbers", () => {
  const schema = { properties: { tiles: { type: "integer", enum: [1, 4, 9], default: 4 } } } as const;
  expect(fields(schema)[0]?.shape).toEqual({ type: "choice", values: [1, 4, 9] });
});

test("a slider never stands on an end that is excluded", () => {
  const strength = fields(paramsSchema("restyle_room")).find(({ name }) => name === "strength");
  if (!strength || !ranged(strength.shape)) throw new Error("strength is no slider");
  expect(ends(strength.shape).min).toBeGreaterThan(0);
  expect(ends(strength.shape).max).toBe(1);
});

test("what may be left to the service is known from its null", () => {
  const all = fields(paramsSchema("restyle_room"));
  const nullable = all.filter((field) => field.nullable).map(({ name }) => name);
  expect(nullable).toEqual(["room", "steps", "guidance"]);
});

test("roles know their media", () => {
  expect(roles("render_video").map(({ name, media, required }) => [name, media, required])).toEqual([
    ["avatar", "portrait", true],
    ["voice_track", "sound", false],
  ]);
  expect(roles("face_swap").map(({ media }) => media)).toEqual(["picture", "picture"]);
});

test("what is missing is said in the order of the page", () => {
  expect(missing("restyle_room")).toEqual(["uploads.photo: file", "params.style: choose"]);
  expect(missing("restyle_room", { style: "boho" }, { photo: PHOTO })).toEqual([]);
  expect(missing("generate", { prompt: "  " })).toEqual(["params.prompt: fill_in"]);
  expect(missing("face_swap", {}, { source: PHOTO, target: PHOTO })).toEqual(["params.consent: consent"]);
  expect(missing("upscale", {}, { photo: PHOTO })).toEqual([]);
});

test("a portrait has to say something, by words or by a voice that is not too long", () => {
  expect(missing("render_video", {}, { avatar: PHOTO })).toEqual(["params.script: words_or_voice"]);
  expect(missing("render_video", { script: "Hello" }, { avatar: PHOTO })).toEqual([]);
  expect(missing("render_video", {}, { avatar: PHOTO, voice_track: VOICE })).toEqual([]);
  const long: Material = { ...VOICE, seconds: 301 } as Material;
  expect(missing("render_video", {}, { avatar: PHOTO, voice_track: long })).toEqual([
    "uploads.voice_track: voice_too_long",
  ]);
});

test("scenes say which one lacks what", () => {
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

test("a mask is painted, or an earlier job's", () => {
  const size = { width: 80, height: 60 };
  const inpaint = draft("inpaint", {}, { photo: PHOTO });
  const same: Material = { type: "same", job_id: "a", role: "mask", url: null };
  const rectangle = { type: "rectangle", effect: "fill", left: 1, top: 1, right: 9, bottom: 9 } as const;
  expect(masked(inpaint, { strokes: null, size })).toBe(false);
  expect(masked(inpaint, { strokes: [rectangle], size })).toBe(true);
  expect(masked(inpaint, { strokes: [rectangle, { ...rectangle, effect: "erase" }], size })).toBe(false);
  const earlier = { ...inpaint, materials: { photo: PHOTO, mask: same } };
  expect(masked(earlier, { strokes: null, size })).toBe(true);
  // Another area is to be painted: nothing is shown, so nothing is sent.
  expect(masked(earlier, { strokes: [], size })).toBe(false);
});

test("what has no effect is neither shown nor sent", () => {
  expect(idle(draft("generate", { negative_prompt: "people" })).has("negative_prompt")).toBe(true);
  expect(idle(draft("generate", { profile: "quality" })).has("negative_prompt")).toBe(false);
  expect(idle(draft("inpaint", { prompt: "a vase" })).size).toBe(0);
  const sent = sendable(draft("generate", { prompt: "a lamp", negative_prompt: "people" }), new Set());
  expect(sent.params).toEqual({ prompt: "a lamp", negative_prompt: "" });
});

test("files that no scene speaks of are not sent, nor voices that were never given", () => {
  const scenes = [
    { type: "image", picture: "picture_1", voice_track: "voice_track_1" },
    { type: "avatar", avatar: "avatar_1", voice_track: "voice_track_2", voice: "amy" },
  ];
  const materials = { picture_1: PHOTO, avatar_1: PHOTO, voice_track_2: VOICE, picture_9: PHOTO, music: VOICE };
  const sent = sendable(draft("render_scenes", { scenes }, materials), new Set(["music"]));
  expect(Object.keys(sent.materials).sort()).toEqual(["avatar_1", "music", "picture_1", "voice_track_2"]);
  expect(sent.params.scenes).toEqual([
    { type: "image", picture: "picture_1" },
    { type: "avatar", avatar: "avatar_1", voice_track: "voice_track_2" },
  ]);
});
