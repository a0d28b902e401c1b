/** Which params mean nothing beside the others: the service refuses them, or does not look. */

import { isObject, textOf } from "@/contract/json";
import { fields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { JsonObject, JsonValue } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import type { Material } from "@/drafts/input-file";
import { rolesOf } from "@/drafts/list-roles";

const numberOf = (value: JsonValue | undefined, otherwise: number) => (typeof value === "number" ? value : otherwise);

/** The names of params that have no effect in this draft. */
export function idle({ kind, params, materials }: Pick<Draft, "kind" | "params" | "materials">): ReadonlySet<string> {
  const worded = textOf(params.prompt).trim() !== "";
  const names: Record<string, boolean> = {};
  switch (kind) {
    case "restyle_room":
      names.negative_prompt = params.profile !== "quality" && numberOf(params.guidance, 1) <= 1;
      break;
    case "inpaint":
      names.negative_prompt = !worded || numberOf(params.guidance, 7.5) <= 1;
      names.steps = !worded;
      names.guidance = !worded;
      break;
    case "generate":
      names.negative_prompt = params.profile !== "quality";
      break;
    case "render_video":
      names.voice = materials.voice_track !== undefined;
      break;
    case "render_scenes":
      names.music_volume = materials.music === undefined;
      names.transition_seconds = params.transition === "cut";
      break;
  }
  return new Set(Object.keys(names).filter((name) => names[name]));
}

/** The same for one scene of a list. */
export function idleInScene(scene: JsonObject, materials: Record<string, Material>): ReadonlySet<string> {
  const { voice_track: track } = scene;
  return new Set(typeof track === "string" && materials[track] ? ["voice"] : []);
}

/**
 * What is sent of a draft: params without effect as the contract has them by itself (a rerun would else keep an
 * earlier job's), none that were left empty or that the contract has no more, scenes without what only the page needs,
 * and no files that nothing speaks of.
 */
export function sendable(draft: Draft, roles: ReadonlySet<string>): Draft {
  const all = fields(paramsSchema(draft.kind));
  const useless = idle(draft);
  const spoken = rolesOf(draft.kind, draft.params);
  const params = Object.entries(draft.params).flatMap(([name, value]): [string, JsonValue][] => {
    const field = all.find((one) => one.name === name);
    if (field === undefined || (value === null && !field.nullable)) return [];
    if (useless.has(name)) return [[name, field.standard]];
    return [[name, Array.isArray(value) ? value.map((one) => cleaned(one, draft.materials)) : value]];
  });
  const materials = Object.entries(draft.materials).filter(([role]) => roles.has(role) || spoken.has(role));
  return { ...draft, params: Object.fromEntries(params), materials: Object.fromEntries(materials) };
}

/** An object of a list without what has no effect, and without roles for which there is no file. */
function cleaned(one: JsonValue, materials: Record<string, Material>): JsonValue {
  if (!isObject(one)) return one;
  const useless = idleInScene(one, materials);
  const { voice_track: track } = one;
  const silent = typeof track === "string" && materials[track] === undefined;
  return Object.fromEntries(
    Object.entries(one).filter(([name]) => !useless.has(name) && !(silent && name === "voice_track")),
  );
}
