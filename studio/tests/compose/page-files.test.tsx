import "./page-fixture";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Asset } from "@/contract/types";
import { emptyDraft, useDrafts } from "@/drafts/draft";
import { give, JPEG, main, show } from "./page-fixture";
import { opened, submitJob } from "./page-state";

test("a file that is no picture is refused with what to do, and what was there stays", async () => {
  show("upscale");
  give("Picture");
  expect(await screen.findByText("room.jpg, 800 × 600")).toBeVisible();
  opened.fails = true;
  give("Picture");
  expect(await screen.findByRole("alert")).toHaveTextContent("This file was not taken");
  expect(screen.getByText("room.jpg, 800 × 600")).toBeVisible();
});

test("a photo can be pasted, and dropped anywhere", async () => {
  const { user } = show("face_swap");
  await user.paste({ files: [JPEG], types: ["Files"], getData: () => "" } as unknown as DataTransfer);
  expect(await screen.findByText("room.jpg, 800 × 600")).toBeVisible();
  fireEvent.drop(document.body, { dataTransfer: { files: [JPEG], types: ["Files"] } });
  await waitFor(() => expect(screen.getAllByText("room.jpg, 800 × 600")).toHaveLength(2));
});

test("pictures dropped on scenes become scenes", async () => {
  show("render_scenes");
  fireEvent.drop(document.body, { dataTransfer: { files: [JPEG, JPEG, JPEG], types: ["Files"] } });
  expect(await screen.findByRole("listitem", { name: "3. Picture, of 3" })).toBeVisible();
  await waitFor(() => expect(screen.getAllByText("room.jpg, 800 × 600")).toHaveLength(3));
  expect(main("Make a video of 3 scenes")).toHaveAttribute("aria-disabled", "false");
});

test("what is painted is sent as a mask of exactly the photo's size", async () => {
  const { user } = show("inpaint");
  give("Photo");
  await user.click(await screen.findByRole("button", { name: "Paint" }));
  await user.click(main("Fill what is painted"));
  await waitFor(() => expect(submitJob).toHaveBeenCalledOnce());
  const mask = submitJob.mock.calls[0]?.[0].inputs.mask;
  expect(mask).toMatchObject({ type: "picture", contentType: "image/png", width: 800, height: 600 });
});

test("who would paint another area than an earlier job's can go back to that one", async () => {
  const { user } = show("inpaint");
  const same = (role: string) => ({ type: "same", job_id: "a", role, url: "https://files/a" }) as const;
  const photo = {
    type: "asset",
    asset: { asset_id: "b", url: "https://files/b", width: 80, height: 60 } as Asset,
  } as const;
  act(() => useDrafts.getState().put({ ...emptyDraft("inpaint"), inputs: { photo, mask: same("mask") } }));
  await user.click(main("Paint another area"));
  expect(main("Fill what is painted")).toHaveAccessibleDescription("Paint first over what should be filled");
  await user.click(main("The same area as before"));
  expect(main("Fill what is painted")).toHaveAttribute("aria-disabled", "false");
});

test("an earlier job's music can be heard, and is no picture", () => {
  show("render_scenes");
  const music = { type: "same", job_id: "a", role: "music", url: "https://files/music" } as const;
  act(() => useDrafts.getState().put({ ...emptyDraft("render_scenes"), inputs: { music } }));
  expect(screen.getByLabelText("Music", { selector: "audio" })).toHaveAttribute("src", "https://files/music");
  expect(screen.queryByRole("img", { name: "Chosen: Music" })).toBeNull();
});
