import { expect, test } from "vitest";
import { ends, fields, ranged } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";

test("a choice among numbers is one of numbers", () => {
  const schema = { properties: { tiles: { type: "integer", enum: [1, 4, 9], default: 4 } } } as const;
  expect(fields(schema)[0]?.shape).toEqual({ type: "choice", values: [1, 4, 9] });
});

test("a slider never stands on an end that is excluded", () => {
  const strength = fields(paramsSchema("restyle_room")).find(({ name }) => name === "strength");
  if (!strength || !ranged(strength.shape)) throw new Error("strength is no slider");
  expect(ends(strength.shape).min).toBeGreaterThan(0);
  expect(ends(strength.shape).max).toBe(1);
});

test("what may be left to the service is known from its null", () => {
  const all = fields(paramsSchema("restyle_room"));
  const nullable = all.filter((field) => field.nullable).map(({ name }) => name);
  expect(nullable).toEqual(["room", "steps", "guidance"]);
});
