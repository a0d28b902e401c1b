import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { useCatalogue } from "@/compose/catalogue";
import type { Draft } from "@/compose/draft";
import { empty, useDrafts } from "@/compose/draft";
import { useFinding } from "@/compose/finding";
import { useIntake } from "@/compose/intake";
import { ComposePage } from "@/compose/page";
import type { Asset, FoundObject, Kind, LimitsNow } from "@/contract/types";
import { useService } from "@/service/deployment";
import { ServiceError } from "@/service/error";

const { submit, answers, opened } = vi.hoisted(() => ({
  submit: vi.fn<(draft: Draft) => Promise<string>>(),
  answers: new Map<string, unknown>(),
  opened: { width: 800, height: 600, fails: false },
}));

vi.mock("@/jobs/store", async () => {
  const { create } = await import("zustand");
  return { submit, useJobs: create(() => ({ entries: {}, connection: "live" })) };
});
vi.mock("@/service/api", () => ({
  api: { GET: async (path: string) => answers.get(path), POST: async (path: string) => answers.get(path) },
  answered: async (answer: Promise<unknown>) => {
    const data = await answer;
    if (data === undefined) throw new ServiceError("unreachable", "Nobody is there.");
    return data;
  },
}));
vi.mock("@/compose/codec", () => ({
  browserCodec: {
    async open() {
      if (opened.fails) throw new Error("cannot");
      return { ...opened, encode: async () => null, close() {} };
    },
    seconds: async () => 5,
  },
}));
vi.mock("@/canvas/shape-picker", () => ({
  ShapePicker: ({ objects, onChange }: { objects: FoundObject[]; onChange(points: [number, number][]): void }) => (
    <button type="button" onClick={() => onChange([[0.25, 0.75]])}>
      Keep the {objects[0]?.label}
    </button>
  ),
}));
vi.mock("@/canvas/mask-editor", () => ({
  MaskEditor: ({ onChange }: { onChange(strokes: object[]): void }) => (
    <button
      type="button"
      onClick={() => onChange([{ type: "rectangle", effect: "fill", left: 1, top: 1, right: 9, bottom: 9 }])}
    >
      Paint
    </button>
  ),
}));

const { useJobs } = await import("@/jobs/store");
const SWAPPED = {
  source: { type: "avatar", name: "amara", url: "/amara.webp" },
  target: { type: "avatar", name: "bruno", url: "/bruno.webp" },
} as const;
const JPEG = new File([new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0])], "room.jpg", {
  type: "image/jpeg",
});
const budget = { spent_usd: 0, daily_usd: 10, ends_at: "2030-01-01T00:00:00Z" };

function limits(rates: LimitsNow["rates"]): LimitsNow {
  return { rates, budget };
}

function show(kind: Kind) {
  const { hook, history } = memoryLocation({ path: `/make/${kind}`, record: true });
  const view = render(
    <Router hook={hook}>
      <ComposePage kind={kind} />
    </Router>,
  );
  return { ...view, history, user: userEvent.setup({ delay: null }) };
}

const main = (name: string | RegExp) => screen.getByRole("button", { name });
const give = (label: string, file = JPEG) =>
  fireEvent.change(screen.getByLabelText(label, { selector: "[type=file]" }), { target: { files: [file] } });

const write = (box: HTMLElement, words: string) => fireEvent.change(box, { target: { value: words } });

beforeEach(() => {
  localStorage.clear();
  URL.createObjectURL = vi.fn(() => "blob:here");
  URL.revokeObjectURL = vi.fn();
  submit.mockReset().mockResolvedValue("0".repeat(32));
  answers.clear();
  answers.set("/limits", limits({}));
  opened.fails = false;
  useDrafts.setState({ drafts: {}, strokes: null });
  useIntake.setState({ takings: {} });
  useFinding.setState({ photo: null, jobId: null, asking: false, error: null });
  useCatalogue.setState({ lists: {}, errors: {} });
  useJobs.setState({ entries: {} });
  useService.setState({
    status: "ready",
    service: {
      deployment: { deployment: "test", api_url: "https://api", identity_url: null, local_user: null },
      config: {
        socket_url: "",
        region: "",
        issuer: "",
        client_id: "",
        limits: {
          content_types: [],
          max_upload_bytes: 1e7,
          audio_types: ["audio/wav"],
          max_audio_bytes: 1e7,
          max_script_characters: 5000,
          max_voice_seconds: 300,
          max_video_seconds: 600,
          max_pixels: 5e7,
          max_side: 16384,
          min_side: 32,
          upload_seconds: 900,
        },
      },
    },
  });
});

test("the main button says what is missing, leads there, and then what it will do", async () => {
  const { user, history } = show("restyle_room");
  const button = main("Restyle the room");
  expect(button).toHaveAttribute("aria-disabled", "true");
  expect(button).toHaveAccessibleDescription("Missing: Photo of the room");
  await user.click(button);
  expect(main("Choose a photo")).toHaveFocus();
  expect(submit).not.toHaveBeenCalled();

  give("Photo of the room");
  await waitFor(() => expect(button).toHaveAccessibleDescription("Choose first: Style"));
  await user.click(screen.getByRole("radio", { name: "Boho" }));
  await user.click(main("Restyle as Boho"));
  await waitFor(() => expect(history).toContain(`/jobs/${"0".repeat(32)}`));
  expect(submit).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      kind: "restyle_room",
      params: { style: "boho" },
      materials: { photo: expect.objectContaining({ file: JPEG, width: 800, height: 600 }) },
    }),
  );
});

test("styles can be chosen while the service's list of them does not come", () => {
  show("restyle_room");
  expect(screen.getAllByRole("radio", { name: /Modern|Japandi|Farmhouse/ })).toHaveLength(3);
});

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

test("scenes are moved and taken away, with their words and their files", async () => {
  const { user } = show("render_scenes");
  await user.click(main("Picture"));
  await user.click(main("Picture from words"));
  const [first, second] = screen.getAllByRole("listitem");
  if (!first || !second) throw new Error("There are no two scenes.");
  write(within(first).getByRole("textbox", { name: "What is said" }), "Welcome");
  write(within(second).getByRole("textbox", { name: "What the picture shows" }), "a garden");
  await user.click(within(first).getByRole("button", { name: "Move down: 1. Picture" }));
  const moved = screen.getByRole("listitem", { name: "2. Picture, of 2" });
  expect(within(moved).getByRole("textbox", { name: "What is said" })).toHaveValue("Welcome");
  await waitFor(() => expect(moved).toHaveFocus());
  await user.click(screen.getByRole("button", { name: "Remove: 1. Picture from words" }));
  expect(screen.getAllByRole("listitem")).toHaveLength(1);
});

test("what the service has against a field stands at the field, until it is changed", async () => {
  submit.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.prompt", message: "This is not allowed." }],
    }),
  );
  const { user } = show("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  write(prompt, "a lamp");
  await user.click(main("Draw 1 picture"));
  await waitFor(() => expect(prompt).toHaveAccessibleDescription(/This is not allowed/));
  expect(prompt).toHaveFocus();
  expect(prompt).toBeInvalid();
  expect(prompt).toHaveValue("a lamp");
  write(prompt, "a lamp!");
  expect(prompt).toBeValid();
});

test("a scene's error finds its scene whatever the scene is", async () => {
  submit.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.scenes.1.generated.prompt", message: "Too plain." }],
    }),
  );
  const { user } = show("render_scenes");
  for (const words of ["a garden", "a gate"]) {
    await user.click(main("Picture from words"));
    const prompts = screen.getAllByRole("textbox", { name: "What the picture shows" });
    write(prompts[prompts.length - 1] ?? document.body, words);
  }
  await user.click(main("Make a video of 2 scenes"));
  const second = screen.getByRole("listitem", { name: /^2\./ });
  await waitFor(() => expect(within(second).getByRole("alert")).toHaveTextContent("Too plain."));
});

test("an error about nothing that can be seen is told beside the button, and the draft can be sent again", async () => {
  submit.mockRejectedValueOnce(new ServiceError("engine_unavailable", "The models engine cannot do this here."));
  const { user, history } = show("generate");
  write(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  await user.click(main("Draw 1 picture"));
  expect(await screen.findByRole("alert")).toHaveTextContent("The models engine cannot do this here.");
  await user.click(main("Draw 1 picture"));
  await waitFor(() => expect(history).toContain(`/jobs/${"0".repeat(32)}`));
});

test("a rate that is nearly used says what is left; one that is used up says when it opens again", async () => {
  answers.set("/limits", limits({ generate: { limit: 10, remaining: 2, window_seconds: 60, reset_seconds: 30 } }));
  const { unmount } = show("generate");
  write(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  expect(await screen.findByText("2 more in the next 30 s")).toBeVisible();
  unmount();
  answers.set("/limits", limits({ generate: { limit: 10, remaining: 0, window_seconds: 60, reset_seconds: 30 } }));
  const again = show("generate");
  await waitFor(() => expect(main("Draw 1 picture")).toHaveAccessibleDescription(/Ready again in \d+ seconds/));
  await again.user.click(main("Draw 1 picture"));
  expect(submit).not.toHaveBeenCalled();
});

test("what is painted is sent as a mask of exactly the photo's size", async () => {
  const { user } = show("inpaint");
  give("Photo");
  await user.click(await screen.findByRole("button", { name: "Paint" }));
  await user.click(main("Fill what is painted"));
  await waitFor(() => expect(submit).toHaveBeenCalledOnce());
  const mask = submit.mock.calls[0]?.[0].materials.mask;
  expect(mask).toMatchObject({ type: "picture", contentType: "image/png", width: 800, height: 600 });
});

test("things to keep are looked for on request, and those picked are sent as points", async () => {
  const { user } = show("restyle_room");
  give("Photo of the room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  submit.mockResolvedValueOnce("f".repeat(32));
  await user.click(await screen.findByRole("button", { name: "Find things in the photo" }));
  expect(submit.mock.calls[0]?.[0]).toMatchObject({ kind: "find_objects", materials: { photo: { file: JPEG } } });
  expect(await screen.findByRole("progressbar", { name: "Looking for things…" })).toBeVisible();
  expect(main("Restyle as Boho")).toHaveAttribute("aria-disabled", "false");

  const objects = [{ label: "sofa", box: [0, 0, 9, 9], score: 0.9, area: 0.1 }];
  const job = { job_id: "f".repeat(32), state: "completed", progress: 1, result: { objects } };
  act(() => useJobs.setState({ entries: { [job.job_id]: { job, sent: {}, trouble: null, startedAt: 0 } } } as never));
  await user.click(await screen.findByRole("button", { name: "Keep the sofa" }));
  await user.click(main("Restyle as Boho"));
  await waitFor(() => expect(submit.mock.calls[1]?.[0].params).toEqual({ style: "boho", keep_at: [[0.25, 0.75]] }));
});

test("when looking for things fails, the room can still be restyled", async () => {
  const { user } = show("restyle_room");
  give("Photo of the room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  submit.mockRejectedValueOnce(new ServiceError("endpoint_unavailable", "Nobody works."));
  await user.click(await screen.findByRole("button", { name: "Find things in the photo" }));
  expect(await screen.findByText("The machines that do the work do not answer")).toBeVisible();
  await user.click(main("Restyle as Boho"));
  await waitFor(() => expect(submit).toHaveBeenCalledTimes(2));
});

test("what has no effect is not in the way", async () => {
  const { user } = show("inpaint");
  await user.click(screen.getByText("More settings"));
  expect(screen.queryByRole("slider", { name: "Steps" })).toBeNull();
  write(screen.getByRole("textbox", { name: "What to put there" }), "a vase");
  expect(screen.getByRole("slider", { name: "Steps" })).toBeVisible();
});

test("a number left empty is left to the service, and the dice gives another seed", async () => {
  const { user } = show("restyle_room");
  await user.click(screen.getByText("More settings"));
  const steps = screen.getByRole("spinbutton", { name: "Steps" });
  expect(steps).toHaveAttribute("placeholder", "Automatic");
  write(steps, "12");
  write(steps, "");
  expect(useDrafts.getState().drafts.restyle_room?.params.steps).toBeNull();
  const seed = screen.getByRole("spinbutton", { name: "Seed" });
  expect(seed).toHaveValue(42);
  await user.click(main("Another seed by chance"));
  expect(seed).not.toHaveValue(42);
});

test("words are made better on request, and one's own come back", async () => {
  answers.set("/prompts/enhance", { prompt: "a brass lamp, soft light", original: "a lamp", by: "rules" });
  const { user } = show("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  write(prompt, "a lamp");
  await user.click(main("Say it better"));
  await waitFor(() => expect(prompt).toHaveValue("a brass lamp, soft light"));
  await user.click(main("My own words again"));
  expect(prompt).toHaveValue("a lamp");
});

test("things to keep are typed one after the other and taken away one by one", async () => {
  const { user } = show("restyle_room");
  await user.type(screen.getByRole("combobox", { name: "Keep by name" }), "Sofa{Enter}lamp, plant{Enter}");
  await user.click(main("Remove lamp"));
  expect(useDrafts.getState().drafts.restyle_room?.params.keep).toEqual(["sofa", "plant"]);
});

test("a number can be emptied and typed anew, and what was left empty is not sent", async () => {
  const { user } = show("generate");
  write(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  await user.click(screen.getByText("More settings"));
  const seed = screen.getByRole("spinbutton", { name: "Seed" });
  await user.clear(seed);
  expect(seed).toHaveValue(null);
  await user.click(main("Draw 1 picture"));
  await waitFor(() => expect(submit.mock.calls[0]?.[0].params).toEqual({ prompt: "a lamp" }));
  expect(seed).toHaveValue(42);
  await user.clear(seed);
  await user.type(seed, "7");
  expect(useDrafts.getState().drafts.generate?.params.seed).toBe(7);
});

test("which face changes is typed as a number, and what the service has against it is said there", async () => {
  submit.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.faces", message: "There is no such face." }],
    }),
  );
  const { user } = show("face_swap");
  useDrafts.getState().put({ ...empty("face_swap"), params: { consent: true }, materials: SWAPPED });
  await user.click(main("Swap the faces"));
  const faces = await screen.findByRole("group", { name: "Which faces change" });
  await waitFor(() => expect(faces).toHaveAccessibleDescription(/There is no such face/));
  await user.click(screen.getByRole("radio", { name: "One of them" }));
  const number = screen.getByRole("spinbutton", { name: "Which face" });
  await user.clear(number);
  await user.type(number, "3");
  expect(useDrafts.getState().drafts.face_swap?.params.faces).toBe("2");
});

test("words that are typed while better ones are sought stay", async () => {
  let answer = (_: unknown) => {};
  answers.set("/prompts/enhance", new Promise((done) => (answer = done)));
  const { user } = show("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  write(prompt, "a lamp");
  await user.click(main("Say it better"));
  write(prompt, "a lamp on a table");
  await act(async () => answer({ prompt: "a brass lamp, soft light", original: "a lamp", by: "rules" }));
  await waitFor(() => expect(main("Say it better")).toBeEnabled());
  expect(prompt).toHaveValue("a lamp on a table");
});

test("a scene's words are made better without undoing what was typed in another meanwhile", async () => {
  let answer = (_: unknown) => {};
  answers.set("/prompts/enhance", new Promise((done) => (answer = done)));
  const { user } = show("render_scenes");
  await user.click(main("Picture from words"));
  await user.click(main("Picture from words"));
  const [first, second] = screen.getAllByRole("textbox", { name: "What the picture shows" });
  if (!first || !second) throw new Error("There are no two scenes.");
  write(first, "a lamp");
  await user.click(main("Say it better"));
  write(second, "a garden");
  await act(async () => answer({ prompt: "a brass lamp", original: "a lamp", by: "rules" }));
  await waitFor(() => expect(first).toHaveValue("a brass lamp"));
  expect(second).toHaveValue("a garden");
});

test("what a portrait says comes before who says it", () => {
  show("render_video");
  const said = screen.getByRole("textbox", { name: "What is said" });
  const portrait = screen.getByRole("group", { name: "Portrait" });
  expect(said.compareDocumentPosition(portrait) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  expect(main("Make the video")).toHaveAccessibleDescription("Write what is said, or give a recorded voice");
});

test("who would paint another area than an earlier job's can go back to that one", async () => {
  const { user } = show("inpaint");
  const same = (role: string) => ({ type: "same", job_id: "a", role, url: "https://files/a" }) as const;
  const photo = {
    type: "asset",
    asset: { asset_id: "b", url: "https://files/b", width: 80, height: 60 } as Asset,
  } as const;
  act(() => useDrafts.getState().put({ ...empty("inpaint"), materials: { photo, mask: same("mask") } }));
  await user.click(main("Paint another area"));
  expect(main("Fill what is painted")).toHaveAccessibleDescription("Paint first over what should be filled");
  await user.click(main("The same area as before"));
  expect(main("Fill what is painted")).toHaveAttribute("aria-disabled", "false");
});

test("an earlier job's music can be heard, and is no picture", () => {
  show("render_scenes");
  const music = { type: "same", job_id: "a", role: "music", url: "https://files/music" } as const;
  act(() => useDrafts.getState().put({ ...empty("render_scenes"), materials: { music } }));
  expect(screen.getByLabelText("Music", { selector: "audio" })).toHaveAttribute("src", "https://files/music");
  expect(screen.queryByRole("img", { name: "Chosen: Music" })).toBeNull();
});
