/** Labels for names of the contract: translated if known, else the contract's own. */
import { useTranslation } from "react-i18next";
import type { SchemaField } from "@/contract/schema-fields";
import type { Kind, StyleSummary } from "@/contract/types";
import { findMessage } from "./find-message";
import { humanize } from "./humanize";

/** Labels of fields, values and styles in the page's language. */
export interface Labels {
  label(kind: Kind, field: SchemaField): string;
  hint(kind: Kind, field: SchemaField): string | undefined;
  value(name: string, value: string): string;
  /** A style's title or description: translated by the service, else in English. */
  style(style: StyleSummary, part: "title" | "description"): string;
  /** The heading of a kind's styles. */
  styleLegend(kind: Kind): string;
  /** An avatar's description. */
  avatar(name: string, otherwise: string): string;
  /** A scene type's title or description. */
  scene(type: string, part: "title" | "about", otherwise: string): string;
}

/** The labels for names that come from the contract or the service. */
export function useLabels(): Labels {
  const { t, i18n } = useTranslation("compose");
  const language = i18n.resolvedLanguage ?? "en";
  const own = (kind: Kind, name: string, part: string) => findMessage(t, fieldKeys(kind, name, part));
  return {
    label: (kind, field) => own(kind, field.name, "label") ?? field.title,
    hint(kind, field) {
      const known = own(kind, field.name, "label") !== null;
      return (own(kind, field.name, "hint") ?? (known ? "" : field.description)) || undefined;
    },
    value(name, value) {
      if (name === "language") return languageName(value, language);
      return findMessage(t, [`values.${name}.${value}`]) ?? humanize(value);
    },
    style: (style, part) => style.translations?.[language]?.[part] ?? style[part],
    styleLegend: (kind) =>
      findMessage(t, [`kinds:${kind}.style_legend`, ...fieldKeys(kind, "style", "label")]) ?? humanize("style"),
    avatar: (name, otherwise) => findMessage(t, [`avatars.${name}`]) ?? otherwise,
    scene: (type, part, otherwise) => findMessage(t, [`scenes.${type}.${part}`]) ?? otherwise,
  };
}

/** The label of a role or param, for use in a sentence. */
export function useNameLabels(): (kind: Kind, name: string) => string {
  const { t } = useTranslation("compose");
  return (kind, name) =>
    findMessage(t, [...roleKeys(kind, name, "label"), ...fieldKeys(kind, name, "label")]) ?? humanize(name);
}

/** A role's label and hint; the contract's description if the role has no translation. */
export function useRoleLabels(): (
  kind: Kind,
  role: string,
  description: string,
) => { label: string; hint: string | undefined } {
  const { t } = useTranslation("compose");
  return (kind, role, description) => {
    const label = findMessage(t, roleKeys(kind, role, "label"));
    const hint = findMessage(t, roleKeys(kind, role, "hint"));
    return { label: label ?? humanize(role), hint: (hint ?? (label === null ? description : "")) || undefined };
  };
}

/** The keys of a param's text: the kind's own, then the shared one. */
const fieldKeys = (kind: Kind, name: string, part: string): string[] => [
  `kinds:${kind}.fields.${name}.${part}`,
  `compose:fields.${name}.${part}`,
];

/** The keys of a role's text: the kind's own, then the shared one. */
const roleKeys = (kind: Kind, role: string, part: string): string[] => [
  `kinds:${kind}.roles.${role}.${part}`,
  `compose:roles.${role}.${part}`,
];

/** The display name of a BCP 47 tag in the language `displayLanguage`. */
function languageName(tag: string, displayLanguage: string): string {
  return humanize(new Intl.DisplayNames([displayLanguage], { type: "language", fallback: "code" }).of(tag) ?? tag);
}
