/** Form fields derived from the contract's JSON schemas. */
import { resolve, type Schema } from "./schemas";
import type { JsonValue } from "./types";

/** The widget of a field, which decides its form control. */
export type Widget =
  | {
      type: "number";
      integer: boolean;
      min: number | null;
      max: number | null;
      exclusiveMin: boolean;
      exclusiveMax: boolean;
    }
  | { type: "text"; minLength: number; maxLength: number | null }
  | { type: "choice"; values: readonly (string | number)[] }
  | { type: "switch" }
  /** A consent: only true is valid. */
  | { type: "consent" }
  | { type: "tags"; maxItems: number | null; maxLength: number | null; examples: readonly string[] }
  /** Pairs of fractions of the photo; set by pointing, not by typing. */
  | { type: "points"; maxItems: number | null }
  /** The role name of one of the job's files. */
  | { type: "role" }
  /** Objects of several variants, distinguished by the property `discriminator`. */
  | { type: "list"; discriminator: string; variants: readonly Variant[]; minItems: number; maxItems: number | null }
  /** Anything else: JSON as text. */
  | { type: "json" };

/** One variant of a list's objects. */
export interface Variant {
  value: string;
  description: string;
  fields: readonly SchemaField[];
}

/** One property of an object schema. */
export interface SchemaField {
  name: string;
  /** The contract's own title, in English. */
  title: string;
  description: string;
  required: boolean;
  /** Whether null leaves the choice to the service: shown as "automatic". */
  nullable: boolean;
  /** The default; null if there is none. */
  defaultValue: JsonValue;
  widget: Widget;
}

const ROLE = "^[a-z][a-z0-9_]{0,31}$";
/** Number ranges up to this width get a slider, wider ones a number input. */
const WIDE = 1000;

/** The properties of an object schema, in the contract's order. */
export function schemaFields(schema: Schema): SchemaField[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { inner, nullable } = unwrapNullable(resolve(property));
    return {
      name,
      title: sentence(property.title ?? inner.title ?? name),
      description: property.description ?? inner.description ?? "",
      required: schema.required?.includes(name) ?? false,
      nullable,
      defaultValue: resolve(property).default ?? null,
      widget: widgetOf(inner),
    };
  });
}

/** Whether a number gets a slider: it has two bounds that are not far apart. */
export function isSliderRange(widget: Widget): widget is Widget & { type: "number"; min: number; max: number } {
  return widget.type === "number" && widget.min !== null && widget.max !== null && widget.max - widget.min <= WIDE;
}

/** The step of a number input or slider. */
export function step(widget: Widget & { type: "number" }): number {
  if (widget.integer) return 1;
  return widget.min !== null && widget.max !== null && widget.max - widget.min > 10 ? 0.5 : 0.05;
}

/** The bounds of a slider: exclusive ones are moved by one step. */
export function sliderBounds(widget: Widget & { type: "number"; min: number; max: number }): {
  min: number;
  max: number;
} {
  const one = step(widget);
  return { min: widget.min + (widget.exclusiveMin ? one : 0), max: widget.max - (widget.exclusiveMax ? one : 0) };
}

/** A schema without its `null` alternative. */
function unwrapNullable(schema: Schema): { inner: Schema; nullable: boolean } {
  const others = schema.anyOf?.filter((one) => one.type !== "null") ?? [];
  const [only] = others;
  if (schema.anyOf === undefined || only === undefined || others.length > 1) return { inner: schema, nullable: false };
  const { anyOf: _, ...beside } = schema;
  return { inner: { ...resolve(only), ...beside }, nullable: schema.anyOf.length > others.length };
}

function widgetOf(schema: Schema): Widget {
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
        min: schema.minimum ?? schema.exclusiveMinimum ?? null,
        max: schema.maximum ?? schema.exclusiveMaximum ?? null,
        exclusiveMin: schema.exclusiveMinimum !== undefined,
        exclusiveMax: schema.exclusiveMaximum !== undefined,
      };
    case "string":
      if (schema.pattern === ROLE) return { type: "role" };
      return { type: "text", minLength: schema.minLength ?? 0, maxLength: schema.maxLength ?? null };
    case "array":
      return list(schema, resolve(schema.items ?? {}));
    default:
      return { type: "json" };
  }
}

function list(schema: Schema, item: Schema): Widget {
  const maxItems = schema.maxItems ?? null;
  if (item.type === "string" && !item.enum) {
    const examples = item.examples?.filter((one) => typeof one === "string") ?? [];
    return { type: "tags", maxItems, maxLength: item.maxLength ?? null, examples };
  }
  if (item.prefixItems?.length === 2 && item.prefixItems.every(({ type }) => type === "number")) {
    return { type: "points", maxItems };
  }
  const discriminator = item.discriminator?.propertyName;
  if (discriminator !== undefined && item.oneOf) {
    const variants = item.oneOf.map(resolve).map((variant) => ({
      value: String(variant.properties?.[discriminator]?.const ?? ""),
      description: variant.description ?? "",
      fields: schemaFields(variant).filter(({ name }) => name !== discriminator),
    }));
    return { type: "list", discriminator, variants, minItems: schema.minItems ?? 0, maxItems };
  }
  return { type: "json" };
}

/** A title as a label: pydantic's "Depth Scale" becomes "Depth scale", a bare name words. */
function sentence(title: string): string {
  const words = title.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
