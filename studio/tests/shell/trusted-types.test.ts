import { expect, test, vi } from "vitest";
import { allowEmptyMarkup } from "@/shell/trusted-types";

test("the empty text alone may become markup", () => {
  const createPolicy = vi.fn();
  allowEmptyMarkup({ trustedTypes: { createPolicy } });
  const [name, { createHTML }] = createPolicy.mock.calls[0] ?? [];
  expect(name).toBe("default");
  expect([createHTML(""), createHTML(" "), createHTML("<img src=x>")]).toEqual(["", null, null]);
});

test("a browser without Trusted Types needs nothing", () => {
  expect(() => allowEmptyMarkup({})).not.toThrow();
});
