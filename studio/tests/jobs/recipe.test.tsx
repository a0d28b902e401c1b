import { act, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Recipe } from "@/jobs/recipe";
import { changeLanguage } from "@/messages";
import { useOptionLists } from "@/service/option-lists";
import { completed, renderPage } from "./fixtures";

const JAPANDI = {
  name: "japandi",
  title: "Japandi",
  description: "Oatmeal plaster, smoked oak battens and calm, low contrast.",
  palette: [],
  translations: { es: { title: "Japandi sereno", description: "Yeso, roble ahumado y calma." } },
};

test("the recipe names the style in the page's language", async () => {
  useOptionLists.setState({ lists: { restyle_room: [JAPANDI] } });
  renderPage(<Recipe job={completed()} />);
  expect(screen.getByText("Japandi")).toBeInTheDocument();
  await act(() => changeLanguage("es"));
  expect(screen.getByText("Japandi sereno")).toBeInTheDocument();
  await act(() => changeLanguage("en"));
});
