/** Params that have no effect beside the others: the service rejects or ignores them. */

import { isObject, textOf } from "@/contract/json";
import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { JsonObject, JsonValue } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";
import { allListRoles } from "@/drafts/list-roles";

const numberOf = (value: JsonValue | undefined, otherwise: number) => (typeof value === "number" ? value : otherwise);

/** The names of params that have no effect in this draft. */
export function unusedParams({ kind, params, inputs }: Pick<Draft, "kind" | "params" | "inputs">): ReadonlySet<string> {
  const hasPrompt = textOf(params.prompt).trim() !== "";
  const names: Record<string, boolean> = {};
  switch (kind) {
    case "restyle_room":
      names.negative_prompt = params.profile !== "quality" && numberOf(params.guidance, 1) <= 1;
      break;
    case "inpaint":
      names.negative_prompt = !hasPrompt || numberOf(params.guidance, 7.5) <= 1;
      names.steps = !hasPrompt;
      names.guidance = !hasPrompt;
      break;
    case "generate":
      names.negative_prompt = params.profile !== "quality";
      break;
    case "render_video":
      names.voice = inputs.voice_track !== undefined;
      break;
    case "render_scenes":
      names.music_volume = inputs.music === undefined;
      names.transition_seconds = params.transition === "cut";
      break;
  }
  return new Set(Object.keys(names).filter((name) => names[name]));
}

/** The names of fields that have no effect in one scene of a list. */
export function unusedSceneParams(scene: JsonObject, inputs: Record<string, InputFile>): ReadonlySet<string> {
  const { voice_track: voiceRole } = scene;
  return new Set(typeof voiceRole === "string" && inputs[voiceRole] ? ["voice"] : []);
}

/**
 * The draft as it is submitted. Unused params are set to their defaults, because a rerun would keep an earlier job's.
 * Left out are empty params, params that the contract no longer has, and files that nothing refers to.
 */
export function draftToSubmit(draft: Draft, roles: ReadonlySet<string>): Draft {
  const all = schemaFields(paramsSchema(draft.kind));
  const unused = unusedParams(draft);
  const listRoles = allListRoles(draft.kind, draft.params);
  const params = Object.entries(draft.params).flatMap(([name, value]): [string, JsonValue][] => {
    const field = all.find((one) => one.name === name);
    if (field === undefined || (value === null && !field.nullable)) return [];
    if (unused.has(name)) return [[name, field.defaultValue]];
    return [[name, Array.isArray(value) ? value.map((one) => withoutUnusedFields(one, draft.inputs)) : value]];
  });
  const inputs = Object.entries(draft.inputs).filter(([role]) => roles.has(role) || listRoles.has(role));
  return { ...draft, params: Object.fromEntries(params), inputs: Object.fromEntries(inputs) };
}

/** An object of a list without unused fields, and without roles that have no file. */
function withoutUnusedFields(one: JsonValue, inputs: Record<string, InputFile>): JsonValue {
  if (!isObject(one)) return one;
  const unused = unusedSceneParams(one, inputs);
  const { voice_track: voiceRole } = one;
  const lacksVoiceFile = typeof voiceRole === "string" && inputs[voiceRole] === undefined;
  return Object.fromEntries(
    Object.entries(one).filter(([name]) => !unused.has(name) && !(lacksVoiceFile && name === "voice_track")),
  );
}
