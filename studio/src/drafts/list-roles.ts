/** The names of upload roles inside lists, such as a scene's `picture_1`: read, assigned, and collected. */
import { objectsOf, textOf } from "@/contract/json";
import { schemaFields, type Widget } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { JsonObject, Kind } from "@/contract/types";

/** The role names in a list's objects. */
export function listRoles(widget: Widget & { type: "list" }, objects: readonly JsonObject[]): ReadonlySet<string> {
  const names = objects.flatMap((one) => {
    const variant = widget.variants.find(({ value }) => value === one[widget.discriminator]);
    const roles = variant?.fields.filter((field) => field.widget.type === "role") ?? [];
    return roles.flatMap((field) => textOf(one[field.name]) || []);
  });
  return new Set(names);
}

/** Assign a role name to every file property of a list's objects: `picture_1`, `picture_2` and so on. */
export function assignRoles(widget: Widget & { type: "list" }, objects: readonly JsonObject[]): JsonObject[] {
  const taken = new Set(listRoles(widget, objects));
  return objects.map((one) => {
    const named = { ...one };
    const variant = widget.variants.find(({ value }) => value === one[widget.discriminator]);
    for (const { name, widget: inner } of variant?.fields ?? []) {
      if (inner.type !== "role" || typeof one[name] === "string") continue;
      const role = freeRole(name, taken);
      taken.add(role);
      named[name] = role;
    }
    return named;
  });
}

/** Assign role names in all lists of a kind's params. */
export function assignAllRoles(kind: Kind, params: JsonObject): JsonObject {
  const named = schemaFields(paramsSchema(kind)).flatMap(({ name, widget }) =>
    widget.type === "list" ? [[name, assignRoles(widget, objectsOf(params[name]))] as const] : [],
  );
  return { ...params, ...Object.fromEntries(named) };
}

/** A role name that is not used yet. */
function freeRole(name: string, taken: ReadonlySet<string>): string {
  let number = 1;
  while (taken.has(`${name}_${number}`)) number++;
  return `${name}_${number}`;
}

/** The role names in all lists of a kind's params. */
export function allListRoles(kind: Kind, params: JsonObject): ReadonlySet<string> {
  const names = schemaFields(paramsSchema(kind)).flatMap(({ name, widget }) =>
    widget.type === "list" ? [...listRoles(widget, objectsOf(params[name]))] : [],
  );
  return new Set(names);
}
