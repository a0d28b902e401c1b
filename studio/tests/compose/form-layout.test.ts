import { expect, test } from "vitest";
import { place } from "@/compose/form-layout";
import { fields } from "@/contract/schema-fields";
import { KINDS, paramsSchema } from "@/contract/schemas";

test.each(KINDS)("every param of %s has a control, a panel, or a list it belongs to", (kind) => {
  const all = fields(paramsSchema(kind));
  const { stage, main, more } = place(kind, all);
  const shown = new Set([...stage, ...main, ...more].map(({ name }) => name));
  const unseen = all.filter(({ name }) => !shown.has(name)).map(({ name }) => name);
  expect(unseen.filter((name) => !["style", "keep_at"].includes(name))).toEqual([]);
  expect(all.filter(({ shape }) => shape.type === "json")).toEqual([]);
});

test("a param that is new shows itself: folded away, or in the open where it must be given", () => {
  const schema = {
    properties: {
      warmth: { type: "number", minimum: 0, maximum: 1, title: "Warmth" },
      season: { type: "string", enum: ["spring", "autumn"], title: "Season" },
    },
    required: ["season"],
  } as const;
  const { main, more } = place("upscale", fields(schema));
  expect(main.map(({ title }) => title)).toEqual(["Season"]);
  expect(more.map(({ title }) => title)).toEqual(["Warmth"]);
});
