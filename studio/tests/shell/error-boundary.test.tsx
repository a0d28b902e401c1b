import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ErrorBoundary } from "@/shell/error-boundary";

function Page({ fails }: { fails: boolean }) {
  if (fails) throw new Error("It broke.");
  return <p>The page</p>;
}

test("an error on one page leaves the other pages usable", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const at = (place: string) => (
    <ErrorBoundary resetKey={place}>
      <Page fails={place === "/jobs"} />
    </ErrorBoundary>
  );
  const { rerender } = render(at("/jobs"));
  expect(screen.getByRole("alert")).toHaveTextContent("This page broke");
  rerender(at("/assets"));
  expect(screen.getByText("The page")).toBeVisible();
});
