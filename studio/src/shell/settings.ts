/** Settings of the studio, stored in this browser. */
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { changeLanguage, type Language, preferredLanguage } from "@/messages";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

interface Settings {
  theme: Theme;
  language: Language;
  setTheme(theme: Theme): void;
  setLanguage(language: Language): void;
}

export const useSettings = create<Settings>()(
  persist(
    (set) => ({
      theme: "system",
      language: preferredLanguage(),
      setTheme: (theme) => set({ theme }),
      setLanguage: (language) => set({ language }),
    }),
    { name: "darkroom.settings", partialize: ({ theme, language }) => ({ theme, language }) },
  ),
);

/** Apply the theme and language to the page, now and after every change. */
export function applySettings(): void {
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const applyTheme = () => {
    const { theme } = useSettings.getState();
    const dark = theme === "dark" || (theme === "system" && systemDark.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  applyTheme();
  systemDark.addEventListener("change", applyTheme);
  useSettings.subscribe((now, before) => {
    if (now.theme !== before.theme) applyTheme();
    if (now.language !== before.language) void changeLanguage(now.language);
  });
}
