import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { unwrap } from "@/service/api";
import { useSettings } from "@/shell/settings";
import { SettingsPage } from "@/shell/settings-page";

vi.mock("@/service/api", () => ({ api: { GET: vi.fn() }, unwrap: vi.fn() }));
const LIMITS = {
  rates: {
    restyle_room: { limit: 30, remaining: 29, window_seconds: 60, reset_seconds: 12 },
    render_video: { limit: 3, remaining: 2, window_seconds: 300, reset_seconds: 12 },
    upscale: { limit: 5, remaining: 5, window_seconds: 90, reset_seconds: 12 },
  },
  budget: { spent_usd: 2.5, daily_usd: 10, ends_at: "2026-11-22T00:00:00Z" },
};

test("theme and language are stored in this browser", async () => {
  vi.mocked(unwrap).mockResolvedValue(LIMITS);
  render(<SettingsPage />);
  await userEvent.click(screen.getByRole("radio", { name: "Dark" }));
  await userEvent.click(screen.getByRole("radio", { name: "Español" }));
  expect(useSettings.getState()).toMatchObject({ theme: "dark", language: "es" });
  expect(JSON.parse(localStorage.getItem("darkroom.settings") ?? "")).toMatchObject({
    state: { theme: "dark", language: "es" },
  });
});

test("the remaining limits are shown", async () => {
  vi.mocked(unwrap).mockResolvedValue(LIMITS);
  render(<SettingsPage />);
  expect(await screen.findByText("$7.50 of $10.00 left")).toBeVisible();
  for (const left of ["29 left of 30 a minute", "2 left of 3 in 5 minutes", "5 left of 5 in 90 seconds"])
    expect(screen.getByText(left)).toBeVisible();
});

test("limits that cannot be fetched show a warning", async () => {
  vi.mocked(unwrap).mockRejectedValue(new Error());
  render(<SettingsPage />);
  expect(await screen.findByText("Your limits could not be fetched.")).toBeVisible();
});
