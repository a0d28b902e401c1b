import "./page-fixture";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Asset } from "@/contract/types";
import { emptyDraft, useDrafts } from "@/drafts/draft";
import { button, chooseFile, JPEG, renderPage } from "./page-fixture";
import { decodedImage, responses, submitJob } from "./page-state";

test("a rejected file shows the reason, and the former file stays", async () => {
  renderPage("upscale");
  chooseFile("Picture");
  expect(await screen.findByText("room.jpg, 800 × 600")).toBeVisible();
  decodedImage.fails = true;
  chooseFile("Picture");
  expect(await screen.findByRole("alert")).toHaveTextContent("This file was not taken");
  expect(screen.getByText("room.jpg, 800 × 600")).toBeVisible();
});

test("a photo can be pasted, or dropped anywhere on the page", async () => {
  const { user } = renderPage("face_swap");
  await user.paste({ files: [JPEG], types: ["Files"], getData: () => "" } as unknown as DataTransfer);
  expect(await screen.findByText("room.jpg, 800 × 600")).toBeVisible();
  fireEvent.drop(document.body, { dataTransfer: { files: [JPEG], types: ["Files"] } });
  await waitFor(() => expect(screen.getAllByText("room.jpg, 800 × 600")).toHaveLength(2));
});

test("pictures dropped on the scenes form become scenes", async () => {
  renderPage("render_scenes");
  fireEvent.drop(document.body, { dataTransfer: { files: [JPEG, JPEG, JPEG], types: ["Files"] } });
  expect(await screen.findByRole("listitem", { name: "3. Picture, of 3" })).toBeVisible();
  await waitFor(() => expect(screen.getAllByText("room.jpg, 800 × 600")).toHaveLength(3));
  expect(button("Make a video of 3 scenes")).toHaveAttribute("aria-disabled", "false");
});

test("the painted mask is sent at exactly the photo's size", async () => {
  const { user } = renderPage("inpaint");
  chooseFile("Photo");
  await user.click(await screen.findByRole("button", { name: "Paint" }));
  await user.click(button("Fill what is painted"));
  await waitFor(() => expect(submitJob).toHaveBeenCalledOnce());
  const mask = submitJob.mock.calls[0]?.[0].inputs.mask;
  expect(mask).toMatchObject({ type: "picture", contentType: "image/png", width: 800, height: 600 });
});

test("after choosing to paint anew, the earlier job's mask can be restored", async () => {
  const { user } = renderPage("inpaint");
  const same = (role: string) => ({ type: "same", job_id: "a", role, url: "https://files/a" }) as const;
  const photo = {
    type: "asset",
    asset: { asset_id: "b", url: "https://files/b", width: 80, height: 60 } as Asset,
  } as const;
  act(() => useDrafts.getState().put({ ...emptyDraft("inpaint"), inputs: { photo, mask: same("mask") } }));
  await user.click(button("Paint another area"));
  expect(button("Fill what is painted")).toHaveAccessibleDescription("Paint first over what should be filled");
  await user.click(button("The same area as before"));
  expect(button("Fill what is painted")).toHaveAttribute("aria-disabled", "false");
});

test("an earlier job's music has an audio player and no image", () => {
  renderPage("render_scenes");
  const music = { type: "same", job_id: "a", role: "music", url: "https://files/music" } as const;
  act(() => useDrafts.getState().put({ ...emptyDraft("render_scenes"), inputs: { music } }));
  expect(screen.getByLabelText("Music", { selector: "audio" })).toHaveAttribute("src", "https://files/music");
  expect(screen.queryByRole("img", { name: "Chosen: Music" })).toBeNull();
});

test.each([
  ["of an earlier job", { type: "same", job_id: "a", role: "photo", url: "https://files/a?1" }],
  ["of the library", { type: "asset", asset: { asset_id: "a", url: "https://files/a?1" } as Asset }],
] as const)("an input %s whose URL has expired is shown from a refreshed one", async (_, photo) => {
  responses.set("/jobs/{job_id}", { uploads: { photo: { url: "https://files/a?2" } } });
  responses.set("/assets/{asset_id}", { asset_id: "a", url: "https://files/a?2" });
  renderPage("upscale");
  act(() => useDrafts.getState().put({ ...emptyDraft("upscale"), inputs: { photo } }));
  const shown = screen.getByRole("img", { name: "Chosen: Picture" });
  expect(shown).toHaveAttribute("src", "https://files/a?1");
  fireEvent.error(shown);
  const refreshed = await screen.findByRole("img", { name: "Chosen: Picture" });
  expect(refreshed).toHaveAttribute("src", "https://files/a?2");
});
