/** What a control must be able to hold, read off the contract's JSON schemas. */
import { resolve, type Schema } from "./schemas";
import type { JsonValue } from "./types";

/** The form of a value, which decides its control. */
export type Shape =
  | { type: "number"; integer: boolean; least: number | null; most: number | null; above: boolean; below: boolean }
  | { type: "text"; shortest: number; longest: number | null }
  | { type: "choice"; values: readonly (string | number)[] }
  | { type: "switch" }
  /** True is the only answer: a consent. */
  | { type: "consent" }
  | { type: "tags"; most: number | null; longest: number | null; examples: readonly string[] }
  /** Pairs of shares of the photo; set by pointing, not by typing. */
  | { type: "points"; most: number | null }
  /** The name of one of the job's files. */
  | { type: "role" }
  /** Objects, each of one of a few variants, told apart by the property `by`. */
  | { type: "list"; by: string; variants: readonly Variant[]; least: number; most: number | null }
  /** Anything else: JSON as text. */
  | { type: "json" };

/** One form that an object of a list may take. */
export interface Variant {
  value: string;
  about: string;
  fields: readonly Field[];
}

/** One property of an object. */
export interface Field {
  name: string;
  /** The contract's own words, in English. */
  title: string;
  about: string;
  required: boolean;
  /** Whether it may be left to the service: shown as "automatic". */
  nullable: boolean;
  /** What stands for it when nothing is said; null where there is nothing. */
  standard: JsonValue;
  shape: Shape;
}

const ROLE = "^[a-z][a-z0-9_]{0,31}$";
/** Numbers of at most so many values get a slider; above, one types. */
const WIDE = 1000;

/** The properties of an object schema, in the contract's order. */
export function fields(schema: Schema): Field[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { inner, nullable } = bare(resolve(property));
    return {
      name,
      title: sentence(property.title ?? inner.title ?? name),
      about: property.description ?? inner.description ?? "",
      required: schema.required?.includes(name) ?? false,
      nullable,
      standard: resolve(property).default ?? null,
      shape: shape(inner),
    };
  });
}

/** Whether a number is better dragged than typed: it has two ends that are not far apart. */
export function ranged(shape: Shape): shape is Shape & { type: "number"; least: number; most: number } {
  return shape.type === "number" && shape.least !== null && shape.most !== null && shape.most - shape.least <= WIDE;
}

/** The step between a number's neighbours. */
export function step(shape: Shape & { type: "number" }): number {
  if (shape.integer) return 1;
  return shape.least !== null && shape.most !== null && shape.most - shape.least > 10 ? 0.5 : 0.05;
}

/** The least and the most that a slider offers: ends that are themselves excluded are a step away. */
export function ends(shape: Shape & { type: "number"; least: number; most: number }): { min: number; max: number } {
  const one = step(shape);
  return { min: shape.least + (shape.above ? one : 0), max: shape.most - (shape.below ? one : 0) };
}

/** A schema without the "or null" around it. */
function bare(schema: Schema): { inner: Schema; nullable: boolean } {
  const others = schema.anyOf?.filter((one) => one.type !== "null") ?? [];
  const [only] = others;
  if (schema.anyOf === undefined || only === undefined || others.length > 1) return { inner: schema, nullable: false };
  const { anyOf: _, ...beside } = schema;
  return { inner: { ...resolve(only), ...beside }, nullable: schema.anyOf.length > others.length };
}

function shape(schema: Schema): Shape {
  if (schema.const === true) return { type: "consent" };
  if (schema.enum) {
    const values = schema.enum.filter((value) => typeof value === "string" || typeof value === "number");
    return { type: "choice", values };
  }
  switch (schema.type) {
    case "boolean":
      return { type: "switch" };
    case "integer":
    case "number":
      return {
        type: "number",
        integer: schema.type === "integer",
        least: schema.minimum ?? schema.exclusiveMinimum ?? null,
        most: schema.maximum ?? schema.exclusiveMaximum ?? null,
        above: schema.exclusiveMinimum !== undefined,
        below: schema.exclusiveMaximum !== undefined,
      };
    case "string":
      if (schema.pattern === ROLE) return { type: "role" };
      return { type: "text", shortest: schema.minLength ?? 0, longest: schema.maxLength ?? null };
    case "array":
      return list(schema, resolve(schema.items ?? {}));
    default:
      return { type: "json" };
  }
}

function list(schema: Schema, item: Schema): Shape {
  const most = schema.maxItems ?? null;
  if (item.type === "string" && !item.enum) {
    const examples = item.examples?.filter((one) => typeof one === "string") ?? [];
    return { type: "tags", most, longest: item.maxLength ?? null, examples };
  }
  if (item.prefixItems?.length === 2 && item.prefixItems.every(({ type }) => type === "number")) {
    return { type: "points", most };
  }
  const by = item.discriminator?.propertyName;
  if (by !== undefined && item.oneOf) {
    const variants = item.oneOf.map(resolve).map((variant) => ({
      value: String(variant.properties?.[by]?.const ?? ""),
      about: variant.description ?? "",
      fields: fields(variant).filter(({ name }) => name !== by),
    }));
    return { type: "list", by, variants, least: schema.minItems ?? 0, most };
  }
  return { type: "json" };
}

/** A title as a label: pydantic's "Depth Scale" as "Depth scale", a bare name as words. */
function sentence(title: string): string {
  const words = title.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
