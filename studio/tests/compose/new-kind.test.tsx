import "./page-fixture";
import { screen } from "@testing-library/react";
import i18next from "i18next";
import { expect, test, vi } from "vitest";
import { UseDialog } from "@/assets/dialogs";
import { kindForm } from "@/contract/kinds";
import { KINDS } from "@/contract/schemas";
import type { Asset, Kind } from "@/contract/types";
import { roleText } from "@/jobs/status-text";
import { kindTitle } from "@/messages/kind-texts";
import { kindIcon } from "@/ui";
import { renderPage as showPage } from "../jobs/fixtures";
import { button, renderPage } from "./page-fixture";

// A ninth kind in the document: `colorize` has hints, `sharpen` has none.
vi.mock("../../../handlers/http_api/openapi.json", async (original) => {
  const { components } = await original<{ components: { schemas: Record<string, object> } }>();
  const photo = { type: "object", properties: { photo: { type: "object" } }, required: ["photo"] };
  const request = (kind: string, description: string, more: object = {}) => ({
    type: "object",
    description,
    properties: {
      kind: { const: kind },
      params: {
        type: "object",
        properties: {
          warmth: { type: "number", minimum: 0, maximum: 1, default: 0.5, title: "Warmth" },
          grain: { type: "boolean", default: false, title: "Grain" },
        },
      },
      uploads: photo,
    },
    ...more,
  });
  const schemas = {
    ...components.schemas,
    Kind: { ...components.schemas.Kind, enum: ["upscale", "colorize", "sharpen"] },
    ColorizeRequest: request("colorize", "Give a black and white photo colours.", {
      "x-form": { icon: "brush", visible: ["warmth"], compared_role: "photo" },
    }),
    SharpenRequest: request("sharpen", "Sharpen a photo.", { "x-form": { icon: "chisel" } }),
  };
  return { components: { ...components, schemas } };
});

const COLORIZE = "colorize" as Kind;
const SHARPEN = "sharpen" as Kind;
const t = () => i18next.getFixedT("en", "compose");

test("a kind that only the contract knows has a form with the contract's own texts", () => {
  expect(KINDS).toEqual(["upscale", COLORIZE, SHARPEN]);
  renderPage(COLORIZE);
  expect(screen.getByRole("heading", { name: "Colorize", level: 1 })).toBeVisible();
  expect(screen.getByText("Give a black and white photo colours.")).toBeVisible();
  expect(screen.getByRole("link", { name: "Colorize" })).toHaveAttribute("aria-current", "page");
  expect(screen.getByRole("slider", { name: "Warmth" })).toBeVisible();
  expect(screen.getByRole("checkbox", { name: "Grain", hidden: true })).not.toBeVisible();
  expect(button("Colorize")).toHaveAccessibleDescription("Missing: Photo");
});

test("a kind's icon is the one that the contract names, or a neutral one", () => {
  expect(kindIcon(COLORIZE)).toBe("brush");
  expect(kindIcon(SHARPEN)).toBe("assets");
  expect(kindIcon("knit" as Kind)).toBe("assets");
});

test("a kind without hints has advanced params only and no comparison", () => {
  expect(kindForm(SHARPEN)).toMatchObject({ visible: [], customPanel: [], comparedRole: null });
  expect(kindForm("knit" as Kind).description).toBe("");
});

test("a kind's texts in kinds.json replace the plain ones", () => {
  i18next.addResource("en", "kinds", "colorize.title", "Colour a photo");
  i18next.addResource("en", "kinds", "colorize.action", "Colour it");
  i18next.addResource("en", "kinds", "colorize.then", "Sends your photo.");
  i18next.addResource("en", "kinds", "colorize.roles.lut.label", "Colour table");
  renderPage(COLORIZE);
  expect(kindTitle(COLORIZE, t())).toBe("Colour a photo");
  expect(button("Colour it")).toBeVisible();
  expect(roleText(COLORIZE, "lut", i18next.getFixedT("en", "jobs"))).toBe("Colour table");
});

test("a library picture can be the input of any kind with a picture role", () => {
  showPage(<UseDialog asset={{ asset_id: "a" } as Asset} onClose={() => {}} />);
  expect(screen.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual([
    "Enlarge it",
    "Colour a photo",
    "Sharpen",
  ]);
});
