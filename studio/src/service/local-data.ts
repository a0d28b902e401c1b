/** The user's local data: cleared at sign-out, and before another user signs in. */

const PREFIX = "darkroom.";
const OWNER = `${PREFIX}owner`;
/** Settings belong to the browser, and stay. */
const SETTINGS = `${PREFIX}settings`;

const clearCallbacks = new Set<() => void>();

/** Register a callback that clears data outside localStorage. */
export function onClearLocalData(clear: () => void): void {
  clearCallbacks.add(clear);
}

/** Claim the local data for a user; another user's data is cleared. */
export function claimLocalData(username: string): void {
  try {
    const owner = localStorage.getItem(OWNER);
    if (owner !== null && owner !== username) clearLocalData();
    localStorage.setItem(OWNER, username);
  } catch {
    return; // storage is not available
  }
}

/** Clear all local data of the user. */
export function clearLocalData(): void {
  for (const clear of clearCallbacks) clear();
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && key !== SETTINGS);
  for (const key of keys) localStorage.removeItem(key);
}
