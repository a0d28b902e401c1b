/** Words for what the contract names: ours where we have some, else the contract's own. */
import type { i18n } from "i18next";
import { useTranslation } from "react-i18next";
import type { Field } from "@/contract/schema-fields";
import type { Kind } from "@/contract/types";

/** Names of fields, their values and styles, in the language of the page. */
export interface Words {
  label(kind: Kind, field: Field): string;
  hint(kind: Kind, field: Field): string | undefined;
  value(name: string, value: string): string;
  /** A look's title or description; `otherwise` is what the service calls it. */
  style(kind: Kind, name: string, part: "title" | "description", otherwise: string): string;
  /** A portrait's description. */
  avatar(name: string, otherwise: string): string;
  /** A scene's type, as a title or as what it is. */
  scene(type: string, part: "title" | "about", otherwise: string): string;
}

/** Words that may or may not be there; `i18next` types the keys that must. */
function lookUp(i18n: i18n, key: string): string | null {
  for (const language of [i18n.resolvedLanguage ?? "en", "en"]) {
    const found: unknown = i18n.getResource(language, "compose", key);
    if (typeof found === "string") return found;
  }
  return null;
}

/** `living_room` as "Living room". */
export function plain(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The words of the page's language, for names that come from the contract or the service. */
export function useWords(): Words {
  const { i18n } = useTranslation("compose");
  const own = (kind: Kind, name: string, part: string) =>
    lookUp(i18n, `fields_of.${kind}.${name}.${part}`) ?? lookUp(i18n, `fields.${name}.${part}`);
  return {
    label: (kind, field) => own(kind, field.name, "label") ?? field.title,
    hint(kind, field) {
      const known = own(kind, field.name, "label") !== null;
      return (own(kind, field.name, "hint") ?? (known ? "" : field.about)) || undefined;
    },
    value(name, value) {
      if (name === "language") return language(value, i18n.resolvedLanguage ?? "en");
      return lookUp(i18n, `values.${name}.${value}`) ?? plain(value);
    },
    style: (kind, name, part, otherwise) => lookUp(i18n, `styles.${kind}.${name}.${part}`) ?? otherwise,
    avatar: (name, otherwise) => lookUp(i18n, `avatars.${name}`) ?? otherwise,
    scene: (type, part, otherwise) => lookUp(i18n, `scenes.${type}.${part}`) ?? otherwise,
  };
}

/** A BCP 47 tag as people say it, in the language `spoken`. */
function language(tag: string, spoken: string): string {
  return plain(new Intl.DisplayNames([spoken], { type: "language", fallback: "code" }).of(tag) ?? tag);
}

/** The name of a role or a param, for a sentence about it. */
export function useNames(): (kind: Kind, name: string) => string {
  const { i18n } = useTranslation("compose");
  return (kind, name) =>
    lookUp(i18n, `roles_of.${kind}.${name}.label`) ??
    lookUp(i18n, `roles.${name}.label`) ??
    lookUp(i18n, `fields_of.${kind}.${name}.label`) ??
    lookUp(i18n, `fields.${name}.label`) ??
    plain(name);
}

/** A role's label, and what to know of it; the contract's description where it is not known here. */
export function useRoleWords(): (
  kind: Kind,
  role: string,
  about: string,
) => { label: string; hint: string | undefined } {
  const { i18n } = useTranslation("compose");
  return (kind, role, about) => {
    const own = (part: string) =>
      lookUp(i18n, `roles_of.${kind}.${role}.${part}`) ?? lookUp(i18n, `roles.${role}.${part}`);
    const label = own("label");
    return { label: label ?? plain(role), hint: (own("hint") ?? (label === null ? about : "")) || undefined };
  };
}
