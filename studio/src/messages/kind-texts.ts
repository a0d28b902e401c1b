/** Texts of kinds in the page's language. A kind without its own texts gets plain ones. */
import type { Namespace, TFunction } from "i18next";
import { kindForm } from "@/contract/kinds";
import type { Kind } from "@/contract/types";
import { findMessage } from "./find-message";
import { humanize } from "./humanize";

/** A form of the submit button's label: with the chosen style or the size of the result, or plain. */
export type ActionForm = "action_with_style" | "action_with_size" | "action";

/** The title of a kind; its name in words if it has none. */
export function kindTitle<Names extends Namespace>(kind: Kind, t: TFunction<Names>): string {
  return findMessage(t, [`kinds:${kind}.title`]) ?? humanize(kind);
}

/** The sentence that says what a kind does; the contract's description if it has none. */
export function kindDescription<Names extends Namespace>(kind: Kind, t: TFunction<Names>): string {
  return findMessage(t, [`kinds:${kind}.about`]) ?? kindForm(kind).description;
}

/** The label of a kind's submit button: the first form that the kind has, else its title. */
export function kindAction<Names extends Namespace>(
  kind: Kind,
  t: TFunction<Names>,
  forms: readonly ActionForm[],
  values: Readonly<Record<string, unknown>>,
): string {
  const keys = forms.map((form) => `kinds:${kind}.${form}`);
  return findMessage(t, keys, values) ?? kindTitle(kind, t);
}

/** The sentence that says what happens after submission; empty if the kind has none. */
export function kindThen<Names extends Namespace>(kind: Kind, t: TFunction<Names>): string {
  return findMessage(t, [`kinds:${kind}.then`]) ?? "";
}

/** The label of a use of a library picture: as the input of a role of a kind. Null if the kind has none. */
export function kindUse<Names extends Namespace>(kind: Kind, role: string, t: TFunction<Names>): string | null {
  return findMessage(t, [`kinds:${kind}.uses.${role}`]);
}
