import { expect, test } from "vitest";
import { type SchemaField, schemaFields } from "@/contract/schema-fields";
import { KINDS, paramsSchema } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import { LANGUAGES } from "@/messages";
import en from "@/messages/en";
import es from "@/messages/es";

interface KindTexts {
  title: string;
  fields?: object;
  roles?: object;
  uses?: object;
}

const TEXTS: Record<keyof typeof LANGUAGES, { kinds: Record<string, KindTexts> }> = { en, es };

/** The text at a path of an area of a language; undefined if there is none. */
function textAt(texts: object, area: string, path: string): string | undefined {
  let found: unknown = texts;
  for (const name of [area, ...path.split(".")]) {
    found =
      typeof found === "object" && found !== null ? Object.entries(found).find(([key]) => key === name)?.[1] : null;
  }
  return typeof found === "string" ? found : undefined;
}

/** The names of all params of a kind, those of its lists' objects included. */
function paramNames(fields: readonly SchemaField[]): string[] {
  return fields.flatMap(({ name, widget }) =>
    widget.type === "list" ? [name, ...widget.variants.flatMap((variant) => paramNames(variant.fields))] : [name],
  );
}

/** What a kind lacks in a language: the file, the key, and the file of the shared texts if it may be there. */
function missingTexts(language: keyof typeof LANGUAGES, kind: Kind): string[] {
  const texts = TEXTS[language];
  const file = (area: string) => `studio/src/messages/${language}/${area}.json`;
  const own = ["title", "about", "then"].filter((name) => textAt(texts, "kinds", `${kind}.${name}`) === undefined);
  const action = ["action", "action_other"].every((name) => textAt(texts, "kinds", `${kind}.${name}`) === undefined);
  const labels = [
    ...paramNames(schemaFields(paramsSchema(kind))).map((name) => `fields.${name}.label`),
    ...uploadRoles(kind).map(({ name }) => `roles.${name}.label`),
  ].filter((path) => (textAt(texts, "kinds", `${kind}.${path}`) ?? textAt(texts, "compose", path)) === undefined);
  return [
    ...[...own, ...(action ? ["action"] : [])].map((name) => `${file("kinds")}: ${kind}.${name}`),
    ...[...new Set(labels)].map((path) => `${file("kinds")}: ${kind}.${path} (or ${file("compose")}: ${path})`),
  ];
}

const LANGUAGE_NAMES = Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[];

test.each(LANGUAGE_NAMES)("every kind has a title, a description, an action and labels in %s", (language) => {
  expect(KINDS.flatMap((kind) => missingTexts(language, kind))).toEqual([]);
});

test.each(LANGUAGE_NAMES)("the texts in %s name only kinds, params and roles of the contract", (language) => {
  const unknown = Object.entries(TEXTS[language].kinds).flatMap(([name, { fields = {}, roles = {}, uses = {} }]) => {
    const kind = KINDS.find((one) => one === name);
    if (kind === undefined) return [name];
    const params = new Set(paramNames(schemaFields(paramsSchema(kind))));
    const known = new Set(uploadRoles(kind).map((role) => role.name));
    return [
      ...Object.keys(fields).filter((field) => !params.has(field)),
      ...[...Object.keys(roles), ...Object.keys(uses)].filter((role) => !known.has(role)),
    ].map((wrong) => `${name}.${wrong}`);
  });
  expect(unknown).toEqual([]);
});

test("a text that is missing is reported with its file and key", () => {
  expect(missingTexts("es", "upscale")).toEqual([]);
  expect(textAt(es, "kinds", "upscale.roles.photo.label")).toBe("Imagen");
  expect(textAt(es, "kinds", "upscale.roles.photo")).toBeUndefined();
  expect(textAt(es, "kinds", "knit.title")).toBeUndefined();
});
