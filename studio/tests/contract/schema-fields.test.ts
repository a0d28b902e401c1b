import { expect, test } from "vitest";
import { isSliderRange, schemaFields, sliderBounds } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";

test("an enumeration of numbers keeps numbers", () => {
  const schema = { properties: { tiles: { type: "integer", enum: [1, 4, 9], default: 4 } } } as const;
  expect(schemaFields(schema)[0]?.widget).toEqual({ type: "choice", values: [1, 4, 9] });
});

test("a slider excludes an exclusive bound", () => {
  const strength = schemaFields(paramsSchema("restyle_room")).find(({ name }) => name === "strength");
  if (!strength || !isSliderRange(strength.widget)) throw new Error("strength is no slider");
  expect(sliderBounds(strength.widget).min).toBeGreaterThan(0);
  expect(sliderBounds(strength.widget).max).toBe(1);
});

test("nullable params are recognised by their null alternative", () => {
  const all = schemaFields(paramsSchema("restyle_room"));
  const nullable = all.filter((field) => field.nullable).map(({ name }) => name);
  expect(nullable).toEqual(["room", "steps", "guidance"]);
});
