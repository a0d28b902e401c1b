import "./page-fixture";
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { LimitsNow } from "@/contract/types";
import { emptyDraft, useDrafts } from "@/drafts/draft";
import { ServiceError } from "@/service/error";
import { BUDGET, give, main, show, write } from "./page-fixture";
import { answers, submitJob } from "./page-state";

const SWAPPED = {
  source: { type: "avatar", name: "amara", url: "/amara.webp" },
  target: { type: "avatar", name: "bruno", url: "/bruno.webp" },
} as const;

function limits(rates: LimitsNow["rates"]): LimitsNow {
  return { rates, budget: BUDGET };
}

test("what the service has against a field stands at the field, until it is changed", async () => {
  submitJob.mockRejectedValue(
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
  submitJob.mockRejectedValue(
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
  submitJob.mockRejectedValueOnce(new ServiceError("engine_unavailable", "The models engine cannot do this here."));
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
  expect(submitJob).not.toHaveBeenCalled();
});

test("when looking for things fails, the room can still be restyled", async () => {
  const { user } = show("restyle_room");
  give("Photo of the room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  submitJob.mockRejectedValueOnce(new ServiceError("endpoint_unavailable", "Nobody works."));
  await user.click(await screen.findByRole("button", { name: "Find things in the photo" }));
  expect(await screen.findByText("The machines that do the work do not answer")).toBeVisible();
  await user.click(main("Restyle as Boho"));
  await waitFor(() => expect(submitJob).toHaveBeenCalledTimes(2));
});

test("which face changes is typed as a number, and what the service has against it is said there", async () => {
  submitJob.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.faces", message: "There is no such face." }],
    }),
  );
  const { user } = show("face_swap");
  useDrafts.getState().put({ ...emptyDraft("face_swap"), params: { consent: true }, inputs: SWAPPED });
  await user.click(main("Swap the faces"));
  const faces = await screen.findByRole("group", { name: "Which faces change" });
  await waitFor(() => expect(faces).toHaveAccessibleDescription(/There is no such face/));
  await user.click(screen.getByRole("radio", { name: "One of them" }));
  const number = screen.getByRole("spinbutton", { name: "Which face" });
  await user.clear(number);
  await user.type(number, "3");
  expect(useDrafts.getState().drafts.face_swap?.params.faces).toBe("2");
});
