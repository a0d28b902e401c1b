/**
 * The tokens of whoever is signed in, as they are kept.
 *
 * In `sessionStorage`: a reload, a closed lid and a tab that the browser put away find them again, while nothing stays on
 * a shared computer's disk once the tab is closed, which `localStorage` would leave there for the thirty days that a
 * refresh token is good for. Another tab asks the open ones instead (`tabs.ts`).
 */
import { isRecord } from "./error";

/** What an issuer gave. */
export interface Tokens {
  /** The bearer token of the API. */
  bearer: string;
  /** What a new one is had for; null where the issuer gives none. */
  refresh: string | null;
  /** Milliseconds since the epoch from which on a new one should be asked for. */
  renewAt: number;
  username: string;
  /** The client that they were given to: tokens of another deployment are of no use. */
  clientId: string;
}

const KEY = "darkroom.tokens";
const EARLIER_SECONDS = 60;

/** When to renew a token that is good for `seconds`: a minute before it ends, or at half its time when that is short. */
export const renewalOf = (seconds: number): number =>
  Date.now() + Math.max(seconds - EARLIER_SECONDS, seconds / 2) * 1000;

/** The tokens that this tab keeps for a client. */
export function loadTokens(clientId: string): Tokens | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return isTokens(found) && found.clientId === clientId ? found : null;
  } catch {
    return null;
  }
}

/** Keep tokens, or none. A browser that keeps nothing has its user sign in again after a reload. */
export function saveTokens(tokens: Tokens | null): void {
  try {
    if (tokens === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(tokens));
  } catch {
    return;
  }
}

/** Whether a value is what `keep` was given. */
export function isTokens(value: unknown): value is Tokens {
  return (
    isRecord(value) &&
    typeof value.bearer === "string" &&
    (value.refresh === null || typeof value.refresh === "string") &&
    typeof value.renewAt === "number" &&
    typeof value.username === "string" &&
    typeof value.clientId === "string"
  );
}

/** The claims of a JWT, unverified: that is the service's business. Empty where it is none. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(claims) ? claims : {};
  } catch {
    return {};
  }
}
