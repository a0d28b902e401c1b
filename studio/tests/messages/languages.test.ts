import i18next from "i18next";
import { expect, test, vi } from "vitest";
import { preferredLanguage } from "@/messages";
import en from "@/messages/en";
import es from "@/messages/es";

/** Every message key as a path; plural forms count as one. */
function keys(texts: object, path = ""): string[] {
  return Object.entries(texts).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? keys(value, `${path}${name}.`)
      : [`${path}${name.replace(/_(zero|one|two|few|many|other)$/, "")}`],
  );
}

const placeholders = (text: string) => [...text.matchAll(/{{\s*([a-z_]+)/gi)].map(([, name]) => name).sort();

test("Spanish has every message of English", () => {
  expect(new Set(keys(es))).toEqual(new Set(keys(en)));
});

test("no text is empty, and both languages have the same placeholders", () => {
  const flat = (texts: object, path = ""): [string, string][] =>
    Object.entries(texts).flatMap(([name, value]) =>
      typeof value === "string" ? [[`${path}${name}`, value] as [string, string]] : flat(value, `${path}${name}.`),
    );
  const spanish = new Map(flat(es));
  for (const [key, text] of flat(en)) {
    expect(text, key).not.toBe("");
    const other = spanish.get(key);
    if (other !== undefined) expect(placeholders(other), key).toEqual(placeholders(text));
  }
});

test("the browser's first known language is used", () => {
  expect(preferredLanguage(["fr-FR", "es-MX", "en"])).toBe("es");
  expect(preferredLanguage(["fr-FR"])).toBe("en");
});

test("a language that cannot be loaded falls back to English", async () => {
  vi.resetModules();
  vi.doMock("@/messages/es", () => {
    throw new TypeError("Failed to fetch dynamically imported module");
  });
  const { initMessages } = await import("@/messages");
  await initMessages("es");
  expect(i18next.language).toBe("en");
});
