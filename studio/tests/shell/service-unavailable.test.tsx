import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { useService } from "@/service/deployment";
import { ServiceError } from "@/service/error";
import { ServiceUnavailable } from "@/shell/service-unavailable";

test("an unavailable service is retried by button, and when the browser is online again", async () => {
  let found: () => void = () => {};
  const load = vi.fn(() => new Promise<void>((resolve) => (found = resolve)));
  useService.setState({ status: "failed", error: new ServiceError("offline", ""), load });
  render(<ServiceUnavailable />);
  expect(screen.getByRole("alert")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(screen.getByRole("button", { name: "Try again" })).toHaveAttribute("aria-busy", "true");
  await act(async () => found());
  expect(screen.getByRole("button", { name: "Try again" })).toHaveAttribute("aria-busy", "false");
  await act(async () => dispatchEvent(new Event("online")));
  expect(load).toHaveBeenCalledTimes(2);
});
