/** Submit blockers: what is still missing in a draft. */

import { coverage, isEmpty } from "@/canvas/mask";
import type { Strokes } from "@/canvas/strokes";
import { objectsOf, textOf } from "@/contract/json";
import { type SchemaField, schemaFields, type Variant } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { JsonObject, Limits } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import type { Draft } from "@/drafts/draft";
import { unusedParams } from "./unused-params";

/** One missing or invalid field. `path` is that of the service's errors: `params.style`, `uploads.photo`. */
export interface SubmitBlocker {
  path: string;
  /** The message: a key of `submit_blockers` in compose.json. */
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
  /** The role or field, for its label in the message. */
  name: string;
  /** The scene's number, from 1; null if it concerns no scene. */
  scene: number | null;
  count?: number;
}

/** The strokes, and the photo's size (null while unknown). */
export interface PaintedMask {
  strokes: Strokes | null;
  size: { width: number; height: number } | null;
}

const MAX_SCRIPT_CHARACTERS = 15_000;

/** All submit blockers of a draft, in the order of the page. `painted`: the mask of inpaint. */
export function submitBlockers(draft: Draft, painted: PaintedMask, limits: Limits): SubmitBlocker[] {
  const found: SubmitBlocker[] = [];
  const add = (path: string, reason: SubmitBlocker["reason"], name: string, more: Partial<SubmitBlocker> = {}) =>
    found.push({ path, reason, name, scene: null, ...more });

  if (draft.kind === "render_video" && textOf(draft.params.script).trim() === "" && !draft.inputs.voice_track) {
    add("params.script", "words_or_voice", "script");
  }
  for (const role of uploadRoles(draft.kind)) {
    if (role.painted) {
      if (draft.inputs.photo && !hasMask(draft, painted)) add("uploads.mask", "mask", "mask");
    } else if (role.required && !draft.inputs[role.name]) add(`uploads.${role.name}`, "file", role.name);
  }
  const unused = unusedParams(draft);
  for (const field of schemaFields(paramsSchema(draft.kind))) {
    if (unused.has(field.name)) continue;
    if (field.widget.type === "list") {
      const scenes = objectsOf(draft.params[field.name]);
      if (scenes.length < field.widget.minItems) {
        add(`params.${field.name}`, "scenes", field.name, { count: field.widget.minItems });
      }
      const { discriminator, variants } = field.widget;
      scenes.forEach((scene, index) => {
        const variant = variants.find(({ value }) => value === scene[discriminator]);
        if (variant) found.push(...sceneBlockers(draft, `params.${field.name}.${index}`, scene, variant, index + 1));
      });
      if (scenes.reduce((sum, scene) => sum + textOf(scene.script).length, 0) > MAX_SCRIPT_CHARACTERS) {
        add(`params.${field.name}`, "scripts_too_long", field.name, { count: MAX_SCRIPT_CHARACTERS });
      }
    } else if (field.widget.type === "consent" && !field.required) {
      if (isOwnPortraitSpeaking(draft) && draft.params[field.name] !== true) {
        add(`params.${field.name}`, "consent", field.name);
      }
    } else if (isMissing(field, draft.params)) add(`params.${field.name}`, reasonOf(field), field.name);
  }
  for (const [role, input] of Object.entries(draft.inputs)) {
    if (role === "music" || input.type !== "sound" || input.seconds === null) continue;
    if (input.seconds > limits.max_voice_seconds) {
      add(`uploads.${role}`, "voice_too_long", role, { count: Math.floor(limits.max_voice_seconds / 60) });
    }
  }
  return found;
}

/** Whether a portrait that is none of the service's avatars is made to speak. */
function isOwnPortraitSpeaking({ kind, params, inputs }: Draft): boolean {
  const roles =
    kind === "render_video"
      ? ["avatar"]
      : objectsOf(params.scenes).map(({ type, avatar }) => (type === "avatar" ? textOf(avatar) : ""));
  return roles.some((role) => {
    const input = inputs[role];
    return input !== undefined && input.type !== "avatar" && !(input.type === "same" && input.isAvatar);
  });
}

/** Whether inpaint has a mask: painted, or an earlier job's. */
export function hasMask(draft: Draft, { strokes, size }: PaintedMask): boolean {
  if (strokes === null) return draft.inputs.mask?.type === "same";
  return size === null ? !isEmpty(strokes) : coverage(strokes, size.width, size.height) > 0;
}

function sceneBlockers(
  draft: Draft,
  path: string,
  scene: JsonObject,
  variant: Variant,
  number: number,
): SubmitBlocker[] {
  const found: SubmitBlocker[] = [];
  for (const field of variant.fields) {
    const location = { path: `${path}.${field.name}`, name: field.name, scene: number };
    if (field.widget.type === "role") {
      if (field.required && !draft.inputs[textOf(scene[field.name])]) found.push({ ...location, reason: "file" });
    } else if (isMissing(field, scene)) found.push({ ...location, reason: reasonOf(field) });
  }
  const hasSpeech = textOf(scene.script).trim() !== "" || draft.inputs[textOf(scene.voice_track)] !== undefined;
  if (variant.value === "avatar" && !hasSpeech) {
    found.push({ path: `${path}.script`, reason: "words_or_voice", name: "script", scene: number });
  }
  return found;
}

function isMissing(field: SchemaField, params: JsonObject): boolean {
  const value = params[field.name] ?? field.defaultValue;
  if (field.widget.type === "consent") return value !== true;
  if (field.widget.type === "text" && typeof value === "string") return value.trim().length < field.widget.minLength;
  return field.required && value === null;
}

function reasonOf({ widget }: SchemaField): SubmitBlocker["reason"] {
  if (widget.type === "consent") return "consent";
  return widget.type === "choice" ? "choose" : "fill_in";
}
