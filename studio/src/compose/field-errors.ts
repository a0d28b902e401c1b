/** Field errors: the service's validation errors of a draft, by the path of the form field. */

import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { FieldError } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import type { Draft } from "@/drafts/draft";
import type { ServiceError } from "@/service/error";

/** A validation error, and the draft that was rejected. */
export interface RejectedDraft {
  error: ServiceError;
  draft: Draft;
}

/** Messages by field path, and errors that belong to no visible field. */
export interface FieldErrors {
  byPath: ReadonlyMap<string, string>;
  general: readonly FieldError[];
}

const NONE: FieldErrors = { byPath: new Map(), general: [] };

/** The errors that still apply: fields that were changed since are left out. */
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
    const path = withoutVariant(one.field, draft);
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

/** `params.scenes.0.image.picture` as `params.scenes.0.picture`: without the variant's discriminator. */
function withoutVariant(path: string, { kind }: Draft): string {
  const [part, name, index, variant, ...rest] = path.split(".");
  const widget = schemaFields(paramsSchema(kind)).find((field) => field.name === name)?.widget;
  const namesVariant = widget?.type === "list" && widget.variants.some(({ value }) => value === variant);
  return namesVariant ? [part, name, index, ...rest].join(".") : path;
}

/** Scroll to a field and focus it. */
export function focusField(path: string): void {
  const parts = path.split(".");
  for (let length = parts.length; length > 0; length--) {
    const ancestorPath = parts.slice(0, length).join(".");
    const element = document.querySelector<HTMLElement>(`[data-path="${CSS.escape(ancestorPath)}"]`);
    if (!element) continue;
    for (
      let details = element.closest("details");
      details;
      details = details.parentElement?.closest("details") ?? null
    ) {
      details.open = true;
    }
    const control = element.querySelector<HTMLElement>("input:not([type=file]), select, textarea, button");
    (control ?? element).focus();
    return;
  }
}
