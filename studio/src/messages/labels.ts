/** Labels for names of the contract: translated if known, else the contract's own. */
import type { i18n } from "i18next";
import { useTranslation } from "react-i18next";
import type { SchemaField } from "@/contract/schema-fields";
import type { Kind } from "@/contract/types";

/** Labels of fields, values and styles in the page's language. */
export interface Labels {
  label(kind: Kind, field: SchemaField): string;
  hint(kind: Kind, field: SchemaField): string | undefined;
  value(name: string, value: string): string;
  /** A style's title or description; `otherwise` is the service's text. */
  style(kind: Kind, name: string, part: "title" | "description", otherwise: string): string;
  /** An avatar's description. */
  avatar(name: string, otherwise: string): string;
  /** A scene type's title or description. */
  scene(type: string, part: "title" | "about", otherwise: string): string;
}

/** A message that may be missing; i18next only types keys that exist. */
function findMessage(i18n: i18n, key: string): string | null {
  for (const language of [i18n.resolvedLanguage ?? "en", "en"]) {
    const found: unknown = i18n.getResource(language, "compose", key);
    if (typeof found === "string") return found;
  }
  return null;
}

/** `living_room` as "Living room". */
export function humanize(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The labels for names that come from the contract or the service. */
export function useLabels(): Labels {
  const { i18n } = useTranslation("compose");
  const own = (kind: Kind, name: string, part: string) =>
    findMessage(i18n, `fields_of.${kind}.${name}.${part}`) ?? findMessage(i18n, `fields.${name}.${part}`);
  return {
    label: (kind, field) => own(kind, field.name, "label") ?? field.title,
    hint(kind, field) {
      const known = own(kind, field.name, "label") !== null;
      return (own(kind, field.name, "hint") ?? (known ? "" : field.description)) || undefined;
    },
    value(name, value) {
      if (name === "language") return language(value, i18n.resolvedLanguage ?? "en");
      return findMessage(i18n, `values.${name}.${value}`) ?? humanize(value);
    },
    style: (kind, name, part, otherwise) => findMessage(i18n, `styles.${kind}.${name}.${part}`) ?? otherwise,
    avatar: (name, otherwise) => findMessage(i18n, `avatars.${name}`) ?? otherwise,
    scene: (type, part, otherwise) => findMessage(i18n, `scenes.${type}.${part}`) ?? otherwise,
  };
}

/** The display name of a BCP 47 tag in the language `spoken`. */
function language(tag: string, spoken: string): string {
  return humanize(new Intl.DisplayNames([spoken], { type: "language", fallback: "code" }).of(tag) ?? tag);
}

/** The label of a role or param, for use in a sentence. */
export function useNameLabels(): (kind: Kind, name: string) => string {
  const { i18n } = useTranslation("compose");
  return (kind, name) =>
    findMessage(i18n, `roles_of.${kind}.${name}.label`) ??
    findMessage(i18n, `roles.${name}.label`) ??
    findMessage(i18n, `fields_of.${kind}.${name}.label`) ??
    findMessage(i18n, `fields.${name}.label`) ??
    humanize(name);
}

/** A role's label and hint; the contract's description if the role has no translation. */
export function useRoleLabels(): (
  kind: Kind,
  role: string,
  about: string,
) => { label: string; hint: string | undefined } {
  const { i18n } = useTranslation("compose");
  return (kind, role, about) => {
    const own = (part: string) =>
      findMessage(i18n, `roles_of.${kind}.${role}.${part}`) ?? findMessage(i18n, `roles.${role}.${part}`);
    const label = own("label");
    return { label: label ?? humanize(role), hint: (own("hint") ?? (label === null ? about : "")) || undefined };
  };
}
