/** Session sync between tabs: a new tab gets the tokens of an open one, and all sign out together. */
import { isRecord } from "./error";
import { isTokens, type Tokens } from "./tokens";

const CHANNEL = "darkroom.session";
const RESPONSE_TIMEOUT_MILLISECONDS = 150;

/** What a tab responds to other tabs. */
export interface TabHandlers {
  /** This tab's tokens; null if they must not be shared. */
  tokens(): Tokens | null;
  /** Called when another tab signed out. */
  signedOut(): void;
}

let channel: BroadcastChannel | null = null;

/** Answer other tabs from now on. */
export function answerOtherTabs(handlers: TabHandlers): void {
  if (channel !== null || typeof BroadcastChannel === "undefined") return;
  const opened = new BroadcastChannel(CHANNEL);
  channel = opened;
  opened.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (!isRecord(data)) return;
    const tokens = data.type === "ask" ? handlers.tokens() : null;
    if (tokens !== null) opened.postMessage({ type: "tokens", tokens });
    if (data.type === "signed_out") handlers.signedOut();
  });
}

/** The tokens of another tab for a client; null if none responds. */
export function requestTokens(clientId: string): Promise<Tokens | null> {
  const opened = channel;
  if (opened === null) return Promise.resolve(null);
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(null), RESPONSE_TIMEOUT_MILLISECONDS);
    const onMessage = ({ data }: MessageEvent<unknown>) => {
      if (isRecord(data) && isTokens(data.tokens) && data.tokens.clientId === clientId) done(data.tokens);
    };
    function done(tokens: Tokens | null) {
      clearTimeout(timer);
      opened?.removeEventListener("message", onMessage);
      resolve(tokens);
    }
    opened.addEventListener("message", onMessage);
    opened.postMessage({ type: "ask" });
  });
}

/** Sign out in the other tabs. */
export function notifySignedOut(): void {
  channel?.postMessage({ type: "signed_out" });
}
