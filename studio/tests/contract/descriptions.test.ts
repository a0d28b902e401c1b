/** The committed OpenAPI and AsyncAPI documents: valid by their specifications, examples valid by their schemas. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import AjvDraft7 from "@redocly/ajv";
import Ajv from "@redocly/ajv/dist/2020";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const OPENAPI = resolve(ROOT, "handlers/http_api/openapi.json");
const ASYNCAPI = resolve(ROOT, "docs/asyncapi.json");

interface Example {
  where: string;
  schema: string;
  value: unknown;
}

test.each([OPENAPI, ASYNCAPI])("%s is valid", async (path) => {
  expect(await problems(readFileSync(path, "utf8"), path)).toEqual([]);
});

test("an invalid document is refused", async () => {
  const text = readFileSync(ASYNCAPI, "utf8");
  expect(await problems(text.replace('"action": "send"', '"action": "shout"'), ASYNCAPI)).not.toEqual([]);
  const openapi = readFileSync(OPENAPI, "utf8");
  expect(await problems(openapi.replace("schemas/JobPage", "schemas/Nothing"), OPENAPI)).not.toEqual([]);
});

test("examples of the OpenAPI document match their schemas", () => {
  const document = JSON.parse(readFileSync(OPENAPI, "utf8"));
  expect(mismatches(document, mediaExamples(document, "#"))).toEqual([]);
});

test("examples of the AsyncAPI document match their schemas", () => {
  const document = JSON.parse(readFileSync(ASYNCAPI, "utf8"));
  const messages = Object.entries<{ examples: { payload: unknown }[] }>(document.components.messages);
  const examples = messages.flatMap(([name, { examples }]) =>
    examples.map(({ payload }) => ({ where: name, schema: `#/components/messages/${name}/payload`, value: payload })),
  );
  expect(examples.length).toBeGreaterThan(7);
  expect(mismatches(document, examples)).toEqual([]);
  const [first] = examples;
  expect(mismatches(document, [{ ...first, where: "broken", schema: first?.schema ?? "", value: {} }])).toHaveLength(1);
});

async function problems(source: string, absoluteRef: string): Promise<string[]> {
  const rules = { struct: "error", "no-unresolved-refs": "error", "operation-operationId-unique": "error" } as const;
  const config = await createConfig({ rules });
  return (await lintFromString({ source, absoluteRef, config })).map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

/** The examples below a value, each with the JSON pointer of its schema. */
function mediaExamples(value: unknown, pointer: string): Example[] {
  if (typeof value !== "object" || value === null) return [];
  const { schema, examples } = value as { schema?: unknown; examples?: Record<string, { value: unknown }> };
  if (schema !== undefined && examples !== undefined) {
    return Object.entries(examples).map(([name, one]) => ({
      where: `${pointer} ${name}`,
      schema: `${pointer}/schema`,
      value: one.value,
    }));
  }
  return Object.entries(value).flatMap(([name, member]) =>
    mediaExamples(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  );
}

function mismatches(document: object, examples: readonly Example[]): string[] {
  expect(examples).not.toEqual([]);
  // AsyncAPI's schemas are of draft 7, those of OpenAPI 3.1 of 2020-12.
  const Draft = "asyncapi" in document ? AjvDraft7 : Ajv;
  const ajv = new Draft({ strict: false, discriminator: true, validateFormats: false, allErrors: true });
  ajv.addSchema(document, "document");
  return examples.flatMap(({ where, schema, value }) => {
    const pointer = schema.replaceAll("{", "%7B").replaceAll("}", "%7D");
    const validate = ajv.compile({ $ref: `document${pointer}` });
    return validate(value) ? [] : [`${where}: ${ajv.errorsText(validate.errors)}`];
  });
}
