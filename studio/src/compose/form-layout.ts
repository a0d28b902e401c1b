/** The layout of a kind's form: which params stand beside the inputs, which are visible, and which are advanced. */

import { kindForm } from "@/contract/kinds";
import type { SchemaField } from "@/contract/schema-fields";
import type { Kind } from "@/contract/types";

/** Group a kind's fields by its form hints. Other fields are advanced, or visible if they are required. */
export function groupFields(kind: Kind, fields: readonly SchemaField[]) {
  const { besideFiles, visible, customPanel } = kindForm(kind);
  const named = (names: readonly string[]) => names.flatMap((name) => fields.filter((field) => field.name === name));
  const known = new Set([...besideFiles, ...visible, ...customPanel]);
  const others = fields.filter(({ name }) => !known.has(name));
  return {
    besideFiles: named(besideFiles),
    visible: [...named(visible), ...others.filter(({ required }) => required)],
    advanced: others.filter(({ required }) => !required),
  };
}
