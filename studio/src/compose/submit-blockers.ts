/** What still keeps a draft from being sent. */

import { coverage, isEmpty } from "@/canvas/mask";
import type { Strokes } from "@/canvas/strokes";
import { objectsOf, textOf } from "@/contract/json";
import { type Field, fields, type Variant } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { JsonObject, Limits } from "@/contract/types";
import { roles } from "@/contract/upload-roles";
import type { Draft } from "@/drafts/draft";
import { idle } from "./unused-params";

/** One thing to do first. `path` is where, as the service's own errors say it: `params.style`, `uploads.photo`. */
export interface Obstacle {
  path: string;
  /** Which words say it: a key of `obstacles` in compose.json. */
  reason:
    | "file"
    | "choose"
    | "fill_in"
    | "consent"
    | "mask"
    | "scenes"
    | "words_or_voice"
    | "voice_too_long"
    | "scripts_too_long";
  /** The role or the field that it is about, for the words. */
  name: string;
  /** Which scene, from 1; null where it is about none. */
  scene: number | null;
  count?: number;
}

/** What was painted, and on how many pixels (null while nobody knows). */
export interface Painted {
  strokes: Strokes | null;
  size: { width: number; height: number } | null;
}

const MOST_SCRIPT_CHARACTERS = 15_000;

/** Everything that is missing, in the order of the page. `painted`: what of inpaint's photo is to be filled. */
export function obstacles(draft: Draft, painted: Painted, limits: Limits): Obstacle[] {
  const found: Obstacle[] = [];
  const say = (path: string, reason: Obstacle["reason"], name: string, more: Partial<Obstacle> = {}) =>
    found.push({ path, reason, name, scene: null, ...more });

  if (draft.kind === "render_video" && textOf(draft.params.script).trim() === "" && !draft.materials.voice_track) {
    say("params.script", "words_or_voice", "script");
  }
  for (const role of roles(draft.kind)) {
    if (role.name === "mask" && draft.kind === "inpaint") {
      if (draft.materials.photo && !masked(draft, painted)) say("uploads.mask", "mask", "mask");
    } else if (role.required && !draft.materials[role.name]) say(`uploads.${role.name}`, "file", role.name);
  }
  const useless = idle(draft);
  for (const field of fields(paramsSchema(draft.kind))) {
    if (useless.has(field.name)) continue;
    if (field.shape.type === "list") {
      const scenes = objectsOf(draft.params[field.name]);
      if (scenes.length < field.shape.least) {
        say(`params.${field.name}`, "scenes", field.name, { count: field.shape.least });
      }
      const { by, variants } = field.shape;
      scenes.forEach((scene, index) => {
        const variant = variants.find(({ value }) => value === scene[by]);
        if (variant) found.push(...inScene(draft, `params.${field.name}.${index}`, scene, variant, index + 1));
      });
      if (scenes.reduce((sum, scene) => sum + textOf(scene.script).length, 0) > MOST_SCRIPT_CHARACTERS) {
        say(`params.${field.name}`, "scripts_too_long", field.name, { count: MOST_SCRIPT_CHARACTERS });
      }
    } else if (lacks(field, draft.params)) say(`params.${field.name}`, reasonOf(field), field.name);
  }
  for (const [role, material] of Object.entries(draft.materials)) {
    if (role === "music" || material.type !== "sound" || material.seconds === null) continue;
    if (material.seconds > limits.max_voice_seconds) {
      say(`uploads.${role}`, "voice_too_long", role, { count: Math.floor(limits.max_voice_seconds / 60) });
    }
  }
  return found;
}

/** Whether inpaint has something to fill: painted, or the mask of an earlier job. */
export function masked(draft: Draft, { strokes, size }: Painted): boolean {
  if (strokes === null) return draft.materials.mask?.type === "same";
  return size === null ? !isEmpty(strokes) : coverage(strokes, size.width, size.height) > 0;
}

function inScene(draft: Draft, path: string, scene: JsonObject, variant: Variant, number: number): Obstacle[] {
  const found: Obstacle[] = [];
  for (const field of variant.fields) {
    const at = { path: `${path}.${field.name}`, name: field.name, scene: number };
    if (field.shape.type === "role") {
      if (field.required && !draft.materials[textOf(scene[field.name])]) found.push({ ...at, reason: "file" });
    } else if (lacks(field, scene)) found.push({ ...at, reason: reasonOf(field) });
  }
  const speaks = textOf(scene.script).trim() !== "" || draft.materials[textOf(scene.voice_track)] !== undefined;
  if (variant.value === "avatar" && !speaks) {
    found.push({ path: `${path}.script`, reason: "words_or_voice", name: "script", scene: number });
  }
  return found;
}

function lacks(field: Field, params: JsonObject): boolean {
  const value = params[field.name] ?? field.standard;
  if (field.shape.type === "consent") return value !== true;
  if (field.shape.type === "text" && typeof value === "string") return value.trim().length < field.shape.shortest;
  return field.required && value === null;
}

function reasonOf({ shape }: Field): Obstacle["reason"] {
  if (shape.type === "consent") return "consent";
  return shape.type === "choice" ? "choose" : "fill_in";
}
