import { afterAll, expect, test } from "vitest";
import { changeLanguage } from "@/messages";
import en from "@/messages/en/service.json";
import { ServiceError, toServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { components } from "../../../handlers/http_api/openapi.json";

afterAll(() => changeLanguage("en"));

test("every error code of the contract has a message", () => {
  expect(Object.keys(en.errors)).toEqual(expect.arrayContaining(components.schemas.ErrorCode.enum));
});

test("an error has title and advice in the page's language", async () => {
  const error = new ServiceError("no_face", "No face in the source.");
  expect(errorMessage(error)).toEqual({
    title: "No face was found",
    advice: "Use a photo where the face is large, sharp and seen from the front.",
    detail: "No face in the source.",
  });
  await changeLanguage("es");
  expect(errorMessage(error).title).toBe("No se encontró ninguna cara");
  expect(errorMessage(new ServiceError("rate_limited", "", { retryAfter: 1 })).advice).toContain("en 1 segundo.");
  await changeLanguage("en");
});

test.each([
  [20, "in 20 seconds"],
  [300, "in 5 minutes"],
  [7 * 3600, "in 7 hours"],
])("a retry after %i seconds reads %s", (retryAfter, words) => {
  expect(errorMessage(new ServiceError("budget_exceeded", "", { retryAfter })).advice).toContain(words);
});

test("unknown codes and internal errors have a message", () => {
  expect(errorMessage({ code: "solar_flare", message: "Try at night." })).toMatchObject({
    title: "Something went wrong",
    detail: "Try at night.",
  });
  expect(errorMessage(toServiceError(new TypeError("x is undefined"))).title).toBe("Something went wrong here");
});
