import "./page-fixture";
import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { useDrafts } from "@/drafts/draft";
import { button, enterText, renderPage } from "./page-fixture";
import { responses, submitJob } from "./page-state";

test("moving and removing scenes keeps their texts and files together", async () => {
  const { user } = renderPage("render_scenes");
  await user.click(button("Picture"));
  await user.click(button("Picture from words"));
  const [first, second] = screen.getAllByRole("listitem");
  if (!first || !second) throw new Error("There are no two scenes.");
  enterText(within(first).getByRole("textbox", { name: "What is said" }), "Welcome");
  enterText(within(second).getByRole("textbox", { name: "What the picture shows" }), "a garden");
  await user.click(within(first).getByRole("button", { name: "Move down: 1. Picture" }));
  const moved = screen.getByRole("listitem", { name: "2. Picture, of 2" });
  expect(within(moved).getByRole("textbox", { name: "What is said" })).toHaveValue("Welcome");
  await waitFor(() => expect(moved).toHaveFocus());
  await user.click(screen.getByRole("button", { name: "Remove: 1. Picture from words" }));
  expect(screen.getAllByRole("listitem")).toHaveLength(1);
});

test("params without effect are hidden", async () => {
  const { user } = renderPage("inpaint");
  await user.click(screen.getByText("More settings"));
  expect(screen.queryByRole("slider", { name: "Steps" })).toBeNull();
  enterText(screen.getByRole("textbox", { name: "What to put there" }), "a vase");
  expect(screen.getByRole("slider", { name: "Steps" })).toBeVisible();
});

test("an empty nullable number is sent as null, and the seed button picks a random seed", async () => {
  const { user } = renderPage("restyle_room");
  await user.click(screen.getByText("More settings"));
  const steps = screen.getByRole("spinbutton", { name: "Steps" });
  expect(steps).toHaveAttribute("placeholder", "Automatic");
  enterText(steps, "12");
  enterText(steps, "");
  expect(useDrafts.getState().drafts.restyle_room?.params.steps).toBeNull();
  const seed = screen.getByRole("spinbutton", { name: "Seed" });
  expect(seed).toHaveValue(42);
  await user.click(button("Another seed by chance"));
  expect(seed).not.toHaveValue(42);
});

test("an enhanced prompt replaces the typed one, and can be undone", async () => {
  responses.set("/prompts/enhance", { prompt: "a brass lamp, soft light", original: "a lamp", by: "rules" });
  const { user } = renderPage("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  enterText(prompt, "a lamp");
  await user.click(button("Say it better"));
  await waitFor(() => expect(prompt).toHaveValue("a brass lamp, soft light"));
  await user.click(button("My own words again"));
  expect(prompt).toHaveValue("a lamp");
});

test("tags are added and removed one by one", async () => {
  const { user } = renderPage("restyle_room");
  await user.type(screen.getByRole("combobox", { name: "Keep by name" }), "Sofa{Enter}lamp, plant{Enter}");
  await user.click(button("Remove lamp"));
  expect(useDrafts.getState().drafts.restyle_room?.params.keep).toEqual(["sofa", "plant"]);
});

test("an emptied number shows its default on blur and is not sent", async () => {
  const { user } = renderPage("generate");
  enterText(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  await user.click(screen.getByText("More settings"));
  const seed = screen.getByRole("spinbutton", { name: "Seed" });
  await user.clear(seed);
  expect(seed).toHaveValue(null);
  await user.click(button("Draw 1 picture"));
  await waitFor(() => expect(submitJob.mock.calls[0]?.[0].params).toEqual({ prompt: "a lamp" }));
  expect(seed).toHaveValue(42);
  await user.clear(seed);
  await user.type(seed, "7");
  expect(useDrafts.getState().drafts.generate?.params.seed).toBe(7);
});

test("text typed during the enhancement is not overwritten", async () => {
  let answer = (_: unknown) => {};
  responses.set("/prompts/enhance", new Promise((done) => (answer = done)));
  const { user } = renderPage("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  enterText(prompt, "a lamp");
  await user.click(button("Say it better"));
  enterText(prompt, "a lamp on a table");
  await act(async () => answer({ prompt: "a brass lamp, soft light", original: "a lamp", by: "rules" }));
  await waitFor(() => expect(button("Say it better")).toBeEnabled());
  expect(prompt).toHaveValue("a lamp on a table");
});

test("enhancing one scene's prompt keeps text typed in another meanwhile", async () => {
  let answer = (_: unknown) => {};
  responses.set("/prompts/enhance", new Promise((done) => (answer = done)));
  const { user } = renderPage("render_scenes");
  await user.click(button("Picture from words"));
  await user.click(button("Picture from words"));
  const [first, second] = screen.getAllByRole("textbox", { name: "What the picture shows" });
  if (!first || !second) throw new Error("There are no two scenes.");
  enterText(first, "a lamp");
  await user.click(button("Say it better"));
  enterText(second, "a garden");
  await act(async () => answer({ prompt: "a brass lamp", original: "a lamp", by: "rules" }));
  await waitFor(() => expect(first).toHaveValue("a brass lamp"));
  expect(second).toHaveValue("a garden");
});

test("the script comes before the portrait", () => {
  renderPage("render_video");
  const said = screen.getByRole("textbox", { name: "What is said" });
  const portrait = screen.getByRole("group", { name: "Portrait" });
  expect(said.compareDocumentPosition(portrait) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  expect(button("Make the video")).toHaveAccessibleDescription("Write what is said, or give a recorded voice");
});
