/** Translations: English is bundled, other languages are loaded on demand. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en";

export const LANGUAGES = { en: "English", es: "Español" } as const;
export type Language = keyof typeof LANGUAGES;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "shell";
    resources: typeof en;
  }
}

const OTHERS: Record<Exclude<Language, "en">, () => Promise<{ default: typeof en }>> = {
  es: () => import("./es"),
};

/** The first of the browser's languages that has a translation. */
export function preferredLanguage(wanted: readonly string[] = navigator.languages): Language {
  const known = wanted.map((tag) => tag.split("-")[0] ?? "").find((tag) => tag in LANGUAGES);
  return (known as Language | undefined) ?? "en";
}

/** Initialize i18next before the first render. Falls back to English if a language cannot be loaded. */
export async function initMessages(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en },
    lng: "en",
    fallbackLng: "en",
    defaultNS: "shell",
    ns: Object.keys(en),
    interpolation: { escapeValue: false }, // React escapes
  });
  await changeLanguage(language).catch(() => changeLanguage("en"));
}

/** Change the language, loading its messages the first time. */
export async function changeLanguage(language: Language): Promise<void> {
  if (language !== "en" && !i18next.hasResourceBundle(language, "shell")) {
    const { default: resources } = await OTHERS[language]();
    for (const [area, texts] of Object.entries(resources)) i18next.addResourceBundle(language, area, texts);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
