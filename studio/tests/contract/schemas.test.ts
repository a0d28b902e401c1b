import { expect, test } from "vitest";
import { defaults, KINDS, paramsSchema, resolve, uploadsSchema } from "@/contract/schemas";

test.each(KINDS)("%s has params and uploads to make a form of", (kind) => {
  for (const schema of [paramsSchema(kind), uploadsSchema(kind)]) expect(schema.type).toBe("object");
});

test("what is said beside a reference stands over what it names", () => {
  const profile = paramsSchema("restyle_room").properties?.profile;
  expect(profile?.$ref).toBeDefined();
  const resolved = resolve(profile ?? {});
  expect(resolved).toMatchObject({ enum: ["fast", "quality"], default: "fast" });
  expect(resolved.description).toBe(profile?.description);
});

test("the defaults are the contract's, and what it leaves open stays open", () => {
  expect(defaults("restyle_room")).toMatchObject({ strength: 1, seed: 42, keep: [] });
  expect(defaults("restyle_room")).not.toHaveProperty("style");
  expect(defaults("restyle_room")).not.toHaveProperty("room");
});
