/** What the service said against a draft, at the fields that it is about. */

import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { FieldError } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import type { Draft } from "@/drafts/draft";
import type { ServiceError } from "@/service/error";

/** A refusal, and the draft that was refused. */
export interface RejectedDraft {
  error: ServiceError;
  draft: Draft;
}

/** Errors by the path of their field, and those that belong to none that can be seen. */
export interface FieldErrors {
  byPath: ReadonlyMap<string, string>;
  general: readonly FieldError[];
}

const NONE: FieldErrors = { byPath: new Map(), general: [] };

/** The refusal's errors as far as they still hold: what was changed since is not complained about any more. */
export function fieldErrors(rejected: RejectedDraft | null, draft: Draft): FieldErrors {
  if (rejected === null) return NONE;
  const shown = new Set([
    ...schemaFields(paramsSchema(draft.kind))
      .filter(({ widget }) => widget.type !== "points")
      .map(({ name }) => `params.${name}`),
    ...uploadRoles(draft.kind).map(({ name }) => `uploads.${name}`),
  ]);
  const byPath = new Map<string, string>();
  const general: FieldError[] = [];
  for (const one of rejected.error.errors) {
    const path = plainPath(one.field, draft);
    const [part = "", name = ""] = path.split(".");
    const changed =
      part === "params"
        ? name !== "" && draft.params[name] !== rejected.draft.params[name]
        : part === "uploads" && draft.inputs[name] !== rejected.draft.inputs[name];
    if (changed) continue;
    if (shown.has(`${part}.${name}`)) byPath.set(path, one.message);
    else general.push(one);
  }
  return { byPath, general };
}

/** `params.scenes.0.image.picture` as `params.scenes.0.picture`: without what chose the object's form. */
function plainPath(path: string, { kind }: Draft): string {
  const [part, name, index, variant, ...rest] = path.split(".");
  const widget = schemaFields(paramsSchema(kind)).find((field) => field.name === name)?.widget;
  const chooses = widget?.type === "list" && widget.variants.some(({ value }) => value === variant);
  return chooses ? [part, name, index, ...rest].join(".") : path;
}

/** Brings a field into view and gives it the focus. */
export function focusField(path: string): void {
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
