import { expect, test } from "vitest";
import { defaults, KINDS, paramsSchema, resolve, uploadsSchema } from "@/contract/schemas";

test.each(KINDS)("%s has object schemas for params and uploads", (kind) => {
  for (const schema of [paramsSchema(kind), uploadsSchema(kind)]) expect(schema.type).toBe("object");
});

test("keywords beside a reference override the referenced schema", () => {
  const profile = paramsSchema("restyle_room").properties?.profile;
  expect(profile?.$ref).toBeDefined();
  const resolved = resolve(profile ?? {});
  expect(resolved).toMatchObject({ enum: ["fast", "quality"], default: "fast" });
  expect(resolved.description).toBe(profile?.description);
});

test("defaults are the contract's; params without one stay unset", () => {
  expect(defaults("restyle_room")).toMatchObject({ strength: 1, seed: 42, keep: [] });
  expect(defaults("restyle_room")).not.toHaveProperty("style");
  expect(defaults("restyle_room")).not.toHaveProperty("room");
});
