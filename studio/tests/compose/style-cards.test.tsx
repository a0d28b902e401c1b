import "./page-fixture";
import { act, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { changeLanguage } from "@/messages";
import { renderPage } from "./page-fixture";
import { responses } from "./page-state";

const BOHO = {
  name: "boho",
  title: "Boho",
  description: "Evening warmth.",
  palette: ["#c98a66", "#efe2cf"],
  translations: { es: { title: "Bohemio", description: "Calidez de tarde." } },
};
/** As an older service returns it. */
const { translations: _, ...UNTRANSLATED } = { ...BOHO, name: "modern", title: "Modern" };

afterEach(() => changeLanguage("en"));

test("a style is shown with the service's texts in the page's language, else in English", async () => {
  responses.set("/styles", { styles: [BOHO, UNTRANSLATED] });
  renderPage("restyle_room");
  expect(await screen.findByRole("radio", { name: "Boho", description: "Evening warmth." })).toBeVisible();
  await act(() => changeLanguage("es"));
  expect(screen.getByRole("radio", { name: "Bohemio", description: "Calidez de tarde." })).toBeVisible();
  expect(screen.getByRole("radio", { name: "Modern", description: "Evening warmth." })).toBeVisible();
});

test("the submit button names the style in the page's language", async () => {
  responses.set("/styles", { styles: [BOHO] });
  const { user } = renderPage("restyle_room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  await act(() => changeLanguage("es"));
  expect(screen.getByRole("button", { name: "Redecorar al estilo Bohemio" })).toBeVisible();
});

test("a thumbnail that cannot be loaded gives way to the palette", async () => {
  responses.set("/styles", { styles: [BOHO] });
  renderPage("restyle_room");
  await screen.findByText("Evening warmth.");
  const thumbnail = document.querySelector("img[src$='styles/restyle_room/boho.webp']");
  if (thumbnail === null) throw new Error("There is no thumbnail.");
  fireEvent.error(thumbnail);
  expect(document.querySelector("img")).toBeNull();
  expect(document.querySelectorAll("[style*='background-color']")).toHaveLength(2);
});

test("styles of a kind without a photo have no thumbnails and can be unset", async () => {
  const { palette, ...clay } = { ...BOHO, name: "clay", title: "Clay" };
  responses.set("/styles", { styles: [clay] });
  renderPage("generate");
  const look = await screen.findByRole("group", { name: "Look" });
  expect(within(look).getAllByRole("radio")).toHaveLength(2);
  expect(within(look).getByText("Just as your words say.")).toBeVisible();
  expect(look.querySelector("img")).toBeNull();
});
