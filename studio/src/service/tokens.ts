/**
 * Stored tokens of the session.
 *
 * They are in `sessionStorage`, which survives reloads and discarded tabs. Nothing stays on a shared computer's disk
 * once the tab is closed. `localStorage` would keep a refresh token there for its thirty days. New tabs ask the open
 * ones instead (`tab-sync.ts`).
 */
import { isRecord } from "./error";

/** The tokens of an issuer. */
export interface Tokens {
  /** The bearer token of the API. */
  bearer: string;
  /** The refresh token; null if the issuer gives none. */
  refresh: string | null;
  /** When to refresh, in milliseconds since the epoch. */
  renewAt: number;
  username: string;
  /** The client that they were issued to: tokens of another deployment are useless. */
  clientId: string;
}

const KEY = "darkroom.tokens";
const EARLIER_SECONDS = 60;

/**
 * When to refresh a token that is valid for `seconds`: a minute before it expires, or at half its time if that is
 * short.
 */
export const refreshTimeOf = (seconds: number): number =>
  Date.now() + Math.max(seconds - EARLIER_SECONDS, seconds / 2) * 1000;

/** The stored tokens of this tab for a client. */
export function loadTokens(clientId: string): Tokens | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return isTokens(found) && found.clientId === clientId ? found : null;
  } catch {
    return null;
  }
}

/** Store tokens; null removes them. Without storage, the user signs in again after a reload. */
export function saveTokens(tokens: Tokens | null): void {
  try {
    if (tokens === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(tokens));
  } catch {
    return;
  }
}

/** Whether a value has the fields of `Tokens`. */
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

/** The claims of a JWT, not verified (the service does that). Empty if it is no JWT. */
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
