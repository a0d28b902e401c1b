/** The contract's JSON schemas at run time, from which the forms are derived. */
import { components } from "../../../handlers/http_api/openapi.json";
import type { JsonObject, JsonValue, Kind } from "./types";

/** A JSON schema as pydantic writes it: the used part of JSON Schema 2020-12. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: "string" | "number" | "integer" | "boolean" | "array" | "object" | "null";
  readonly title?: string;
  readonly description?: string;
  readonly default?: JsonValue;
  readonly const?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly examples?: readonly JsonValue[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly discriminator?: { readonly propertyName: string; readonly mapping?: Readonly<Record<string, string>> };
  readonly "x-form"?: FormHints;
}

/** The extension of a request schema that tells clients how to show a kind. */
export interface FormHints {
  readonly icon?: string;
  readonly beside_files?: readonly string[];
  readonly visible?: readonly string[];
  readonly custom_panel?: readonly string[];
  readonly compared_role?: string | null;
}

const SCHEMAS = components.schemas as unknown as Readonly<Record<string, Schema>>;
const PREFIX = "#/components/schemas/";

/** Resolve a schema's `$ref`; keywords beside the reference override the referenced schema. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  const named = SCHEMAS[$ref.slice(PREFIX.length)];
  if (named === undefined) throw new Error(`The contract has no schema ${$ref}.`);
  return { ...resolve(named), ...beside };
}

/** Every kind of job, in the contract's order. */
export const KINDS = (SCHEMAS.Kind?.enum ?? []) as readonly Kind[];

/** Whether a string is the name of a kind. */
export const isKind = (text: string): text is Kind => (KINDS as readonly string[]).includes(text);

/** The schema of a kind's request; undefined for kinds of a newer service. */
export function requestSchema(kind: Kind): Schema | undefined {
  return Object.values(SCHEMAS).find(({ properties }) => properties?.kind?.const === kind);
}

function part(kind: Kind, name: string): Schema {
  const request = requestSchema(kind);
  if (request === undefined) throw new Error(`The contract has no request of kind ${kind}.`);
  return resolve(request.properties?.[name] ?? { type: "object", properties: {} });
}

/** The schema of a kind's `params`. */
export const paramsSchema = (kind: Kind): Schema => part(kind, "params");

/** The schema of a kind's `uploads`: one property for each role. */
export const uploadsSchema = (kind: Kind): Schema => part(kind, "uploads");

/** The default params of a kind, from its schema. */
export function defaults(kind: Kind): JsonObject {
  const filled = Object.entries(paramsSchema(kind).properties ?? {}).flatMap(([name, schema]) => {
    const value = resolve(schema).default;
    return value === undefined || value === null ? [] : [[name, structuredClone(value)] as const];
  });
  return Object.fromEntries(filled);
}
