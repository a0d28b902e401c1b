/** What this browser keeps of a person: it goes when they sign out, and before another is let in. */

const PREFIX = "darkroom.";
const OWNER = `${PREFIX}owner`;
/** How the studio looks and speaks is the browser's own. */
const SETTINGS = `${PREFIX}settings`;

const forgetters = new Set<() => void>();

/** Have `forget` called when whoever is signed in leaves; what is in localStorage goes by itself. */
export function onClearLocalData(forget: () => void): void {
  forgetters.add(forget);
}

/** Somebody is signed in: what anybody else has left here goes. */
export function claimLocalData(username: string): void {
  try {
    const owner = localStorage.getItem(OWNER);
    if (owner !== null && owner !== username) clearLocalData();
    localStorage.setItem(OWNER, username);
  } catch {
    return; // a browser that keeps nothing
  }
}

/** Nothing of anybody stays here. */
export function clearLocalData(): void {
  for (const forget of forgetters) forget();
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && key !== SETTINGS);
  for (const key of keys) localStorage.removeItem(key);
}
