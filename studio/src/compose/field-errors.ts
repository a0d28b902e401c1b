/** What the service said against a draft, at the fields that it is about. */

import { fields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { FieldError } from "@/contract/types";
import { roles } from "@/contract/upload-roles";
import type { Draft } from "@/drafts/draft";
import type { ServiceError } from "@/service/error";

/** A refusal, and the draft that was refused. */
export interface Refused {
  error: ServiceError;
  draft: Draft;
}

/** Errors by the path of their field, and those that belong to none that can be seen. */
export interface Problems {
  at: ReadonlyMap<string, string>;
  others: readonly FieldError[];
}

const NONE: Problems = { at: new Map(), others: [] };

/** The refusal's errors as far as they still hold: what was changed since is not complained about any more. */
export function problems(refused: Refused | null, draft: Draft): Problems {
  if (refused === null) return NONE;
  const shown = new Set([
    ...fields(paramsSchema(draft.kind))
      .filter(({ shape }) => shape.type !== "points")
      .map(({ name }) => `params.${name}`),
    ...roles(draft.kind).map(({ name }) => `uploads.${name}`),
  ]);
  const at = new Map<string, string>();
  const others: FieldError[] = [];
  for (const one of refused.error.errors) {
    const path = plainPath(one.field, draft);
    const [part = "", name = ""] = path.split(".");
    const changed =
      part === "params"
        ? name !== "" && draft.params[name] !== refused.draft.params[name]
        : part === "uploads" && draft.materials[name] !== refused.draft.materials[name];
    if (changed) continue;
    if (shown.has(`${part}.${name}`)) at.set(path, one.message);
    else others.push(one);
  }
  return { at, others };
}

/** `params.scenes.0.image.picture` as `params.scenes.0.picture`: without what chose the object's form. */
function plainPath(path: string, { kind }: Draft): string {
  const [part, name, index, variant, ...rest] = path.split(".");
  const shape = fields(paramsSchema(kind)).find((field) => field.name === name)?.shape;
  const chooses = shape?.type === "list" && shape.variants.some(({ value }) => value === variant);
  return chooses ? [part, name, index, ...rest].join(".") : path;
}

/** Brings a field into view and gives it the focus. */
export function focusAt(path: string): void {
  const whole = path.split(".");
  for (let length = whole.length; length > 0; length--) {
    const wanted = whole.slice(0, length).join(".");
    const place = document.querySelector<HTMLElement>(`[data-path="${CSS.escape(wanted)}"]`);
    if (!place) continue;
    for (let above = place.closest("details"); above; above = above.parentElement?.closest("details") ?? null) {
      above.open = true;
    }
    const control = place.querySelector<HTMLElement>("input:not([type=file]), select, textarea, button");
    (control ?? place).focus();
    return;
  }
}
