import { expect, test } from "vitest";
import { groupFields } from "@/compose/form-layout";
import { schemaFields } from "@/contract/schema-fields";
import { KINDS, paramsSchema } from "@/contract/schemas";

test.each(KINDS)("every param of %s has a control, a panel, or a list it belongs to", (kind) => {
  const all = schemaFields(paramsSchema(kind));
  const { besideFiles, visible, advanced } = groupFields(kind, all);
  const shown = new Set([...besideFiles, ...visible, ...advanced].map(({ name }) => name));
  const unseen = all.filter(({ name }) => !shown.has(name)).map(({ name }) => name);
  expect(unseen.filter((name) => !["style", "keep_at"].includes(name))).toEqual([]);
  expect(all.filter(({ widget }) => widget.type === "json")).toEqual([]);
});

test("an unknown param is advanced, or visible if it is required", () => {
  const schema = {
    properties: {
      warmth: { type: "number", minimum: 0, maximum: 1, title: "Warmth" },
      season: { type: "string", enum: ["spring", "autumn"], title: "Season" },
    },
    required: ["season"],
  } as const;
  const { visible, advanced } = groupFields("upscale", schemaFields(schema));
  expect(visible.map(({ title }) => title)).toEqual(["Season"]);
  expect(advanced.map(({ title }) => title)).toEqual(["Warmth"]);
});
