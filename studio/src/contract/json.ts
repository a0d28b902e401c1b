/** Finding one's way in JSON of which only the outline is known: params, and what was stored. */
import type { JsonObject, JsonValue } from "./types";

/** Whether a value is an object that is neither null nor a list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The objects of a list; none when it is no list. */
export function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The texts of a list; none when it is no list. */
export function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** A text, or the empty one when the value is something else. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A list's points, each two numbers; what is no point is left out. */
export function pointsOf(value: JsonValue | undefined): [number, number][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((point) => {
    if (!Array.isArray(point)) return [];
    const [x, y] = point;
    return typeof x === "number" && typeof y === "number" ? [[x, y] satisfies [number, number]] : [];
  });
}

/** What is JSON of an unknown value; null stands for anything else. */
export function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") {
    return value;
  }
  if (Array.isArray(value)) return value.map(toJson);
  return typeof value === "object" ? toObject(value) : null;
}

/** What is JSON of an unknown object; empty where it is none. */
export function toObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toJson(one)]));
}
