import "./page-fixture";
import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { LimitsNow } from "@/contract/types";
import { emptyDraft, useDrafts } from "@/drafts/draft";
import { ServiceError } from "@/service/error";
import { BUDGET, button, chooseFile, enterText, renderPage } from "./page-fixture";
import { responses, submitJob } from "./page-state";

const SWAPPED = {
  source: { type: "avatar", name: "amara", url: "/amara.webp" },
  target: { type: "avatar", name: "bruno", url: "/bruno.webp" },
} as const;

function limits(rates: LimitsNow["rates"]): LimitsNow {
  return { rates, budget: BUDGET };
}

test("a validation error is shown at its field until that changes", async () => {
  submitJob.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.prompt", message: "This is not allowed." }],
    }),
  );
  const { user } = renderPage("generate");
  const prompt = screen.getByRole("textbox", { name: "What the picture shows" });
  enterText(prompt, "a lamp");
  await user.click(button("Draw 1 picture"));
  await waitFor(() => expect(prompt).toHaveAccessibleDescription(/This is not allowed/));
  expect(prompt).toHaveFocus();
  expect(prompt).toBeInvalid();
  expect(prompt).toHaveValue("a lamp");
  enterText(prompt, "a lamp!");
  expect(prompt).toBeValid();
});

test("an error of a scene is shown at that scene, for any scene type", async () => {
  submitJob.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.scenes.1.generated.prompt", message: "Too plain." }],
    }),
  );
  const { user } = renderPage("render_scenes");
  for (const words of ["a garden", "a gate"]) {
    await user.click(button("Picture from words"));
    const prompts = screen.getAllByRole("textbox", { name: "What the picture shows" });
    enterText(prompts[prompts.length - 1] ?? document.body, words);
  }
  await user.click(button("Make a video of 2 scenes"));
  const second = screen.getByRole("listitem", { name: /^2\./ });
  await waitFor(() => expect(within(second).getByRole("alert")).toHaveTextContent("Too plain."));
});

test("an error without a visible field is shown at the submit button, and the draft can be resubmitted", async () => {
  submitJob.mockRejectedValueOnce(new ServiceError("engine_unavailable", "The models engine cannot do this here."));
  const { user, history } = renderPage("generate");
  enterText(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  await user.click(button("Draw 1 picture"));
  expect(await screen.findByRole("alert")).toHaveTextContent("The models engine cannot do this here.");
  await user.click(button("Draw 1 picture"));
  await waitFor(() => expect(history).toContain(`/jobs/${"0".repeat(32)}`));
});

test("a low rate limit shows the remaining requests; an exhausted one shows the waiting time", async () => {
  responses.set("/limits", limits({ generate: { limit: 10, remaining: 2, window_seconds: 60, reset_seconds: 30 } }));
  const { unmount } = renderPage("generate");
  enterText(screen.getByRole("textbox", { name: "What the picture shows" }), "a lamp");
  expect(await screen.findByText("2 more in the next 30 s")).toBeVisible();
  unmount();
  responses.set("/limits", limits({ generate: { limit: 10, remaining: 0, window_seconds: 60, reset_seconds: 30 } }));
  const again = renderPage("generate");
  await waitFor(() => expect(button("Draw 1 picture")).toHaveAccessibleDescription(/Ready again in \d+ seconds/));
  await again.user.click(button("Draw 1 picture"));
  expect(submitJob).not.toHaveBeenCalled();
});

test("a failed object detection does not block the submission", async () => {
  const { user } = renderPage("restyle_room");
  chooseFile("Photo of the room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  submitJob.mockRejectedValueOnce(new ServiceError("endpoint_unavailable", "Nobody works."));
  await user.click(await screen.findByRole("button", { name: "Find things in the photo" }));
  expect(await screen.findByText("The machines that do the work do not answer")).toBeVisible();
  await user.click(button("Restyle as Boho"));
  await waitFor(() => expect(submitJob).toHaveBeenCalledTimes(2));
});

test("a face is chosen by its number, and its validation error is shown there", async () => {
  submitJob.mockRejectedValue(
    new ServiceError("invalid_request", "No.", {
      status: 422,
      errors: [{ field: "params.faces", message: "There is no such face." }],
    }),
  );
  const { user } = renderPage("face_swap");
  useDrafts.getState().put({ ...emptyDraft("face_swap"), params: { consent: true }, inputs: SWAPPED });
  await user.click(button("Swap the faces"));
  const faces = await screen.findByRole("group", { name: "Which faces change" });
  await waitFor(() => expect(faces).toHaveAccessibleDescription(/There is no such face/));
  await user.click(screen.getByRole("radio", { name: "One of them" }));
  const number = screen.getByRole("spinbutton", { name: "Which face" });
  await user.clear(number);
  await user.type(number, "3");
  expect(useDrafts.getState().drafts.face_swap?.params.faces).toBe("2");
});
