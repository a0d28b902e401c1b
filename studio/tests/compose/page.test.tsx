import "./page-fixture";
import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { useJobs } from "@/jobs/store";
import { button, chooseFile, JPEG, renderPage } from "./page-fixture";
import { submitJob } from "./page-state";

test("the submit button names the missing field and focuses it, then names the action", async () => {
  const { user, history } = renderPage("restyle_room");
  const submitButton = button("Restyle the room");
  expect(submitButton).toHaveAttribute("aria-disabled", "true");
  expect(submitButton).toHaveAccessibleDescription("Missing: Photo of the room");
  await user.click(submitButton);
  expect(button("Choose a photo")).toHaveFocus();
  expect(submitJob).not.toHaveBeenCalled();

  chooseFile("Photo of the room");
  await waitFor(() => expect(submitButton).toHaveAccessibleDescription("Choose first: Style"));
  await user.click(screen.getByRole("radio", { name: "Boho" }));
  await user.click(button("Restyle as Boho"));
  await waitFor(() => expect(history).toContain(`/jobs/${"0".repeat(32)}`));
  expect(submitJob).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      kind: "restyle_room",
      params: { style: "boho" },
      inputs: { photo: expect.objectContaining({ file: JPEG, width: 800, height: 600 }) },
    }),
  );
});

test("styles can be chosen before the service's list has loaded", () => {
  renderPage("restyle_room");
  expect(screen.getAllByRole("radio", { name: /Modern|Japandi|Farmhouse/ })).toHaveLength(3);
});

test("objects to keep are detected on request and sent as points", async () => {
  const { user } = renderPage("restyle_room");
  chooseFile("Photo of the room");
  await user.click(await screen.findByRole("radio", { name: "Boho" }));
  submitJob.mockResolvedValueOnce("f".repeat(32));
  await user.click(await screen.findByRole("button", { name: "Find things in the photo" }));
  expect(submitJob.mock.calls[0]?.[0]).toMatchObject({ kind: "find_objects", inputs: { photo: { file: JPEG } } });
  expect(await screen.findByRole("progressbar", { name: "Looking for things…" })).toBeVisible();
  expect(button("Restyle as Boho")).toHaveAttribute("aria-disabled", "false");

  const objects = [{ label: "sofa", box: [0, 0, 9, 9], score: 0.9, area: 0.1 }];
  const job = { job_id: "f".repeat(32), state: "completed", progress: 1, result: { objects } };
  act(() =>
    useJobs.setState({
      entries: { [job.job_id]: { job, uploadProgress: {}, uploadError: null, marks: [], startedAt: 0 } },
    } as never),
  );
  await user.click(await screen.findByRole("button", { name: "Keep the sofa" }));
  await user.click(button("Restyle as Boho"));
  await waitFor(() => expect(submitJob.mock.calls[1]?.[0].params).toEqual({ style: "boho", keep_at: [[0.25, 0.75]] }));
});
