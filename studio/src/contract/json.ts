/** Helpers to read JSON values of unknown structure, such as params and stored drafts. */
import type { JsonObject, JsonValue } from "./types";

/** Whether a value is an object that is neither null nor a list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects in a list; empty if the value is no list. */
export function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The strings in a list; empty if the value is no list. */
export function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** A string; empty if the value is something else. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The points in a list, each of two numbers; other values are left out. */
export function pointsOf(value: JsonValue | undefined): [number, number][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((point) => {
    if (!Array.isArray(point)) return [];
    const [x, y] = point;
    return typeof x === "number" && typeof y === "number" ? [[x, y] satisfies [number, number]] : [];
  });
}

/** An unknown value as JSON; null for what JSON cannot hold. */
export function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") {
    return value;
  }
  if (Array.isArray(value)) return value.map(toJson);
  return typeof value === "object" ? toObject(value) : null;
}

/** An unknown object as a JSON object; empty if it is none. */
export function toObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toJson(one)]));
}
