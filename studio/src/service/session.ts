/** The session: the signed-in user, and the bearer token for requests. */
import { create } from "zustand";
import * as cognito from "./cognito";
import { currentService, useService } from "./deployment";
import { ServiceError, toServiceError } from "./error";
import { claimLocalData, clearLocalData } from "./local-data";
import * as tabs from "./tab-sync";
import { loadTokens, saveTokens, type Tokens } from "./tokens";

interface Session {
  status: "unknown" | "signed_out" | "signed_in";
  username: string | null;
  /** The challenge to answer before the sign-in is complete. */
  challenge: { type: "new_password" | "code" } | null;
  /** Whether sign-in uses an OIDC provider's page; known once the deployment is. */
  usesOidc: boolean;
  /** Why the session ended or the sign-in failed, if the user did not ask for it. */
  error: ServiceError | null;
  /** Restores the session: from this tab, from another one, or from an OIDC callback. */
  restore(): Promise<void>;
  /** Signs in, or sets `challenge`. Throws `ServiceError`. */
  signIn(username: string, password: string): Promise<void>;
  /**
   * Answers the challenge with a new password or a code. Throws `ServiceError` (`wrong_code` and `weak_password` keep
   * the challenge).
   */
  answerChallenge(value: string): Promise<void>;
  signInAsLocalUser(): Promise<void>;
  /** Redirects to the OIDC sign-in page. */
  signInWithOidc(): Promise<void>;
  /** Completes an OIDC sign-in with the callback `url`. */
  finishOidcSignIn(url: string): Promise<void>;
  signOut(): Promise<void>;
}

let tokens: Tokens | null = null;
let pendingChallenge: cognito.Challenge | null = null;
let restoring: Promise<void> | null = null;
let refreshing: Promise<Tokens> | null = null;

const SIGNED_OUT = { status: "signed_out", username: null, challenge: null } as const;

/** The store of the session. */
export const useSession = create<Session>()((set, get) => {
  function startSession(newTokens: Tokens): void {
    tokens = newTokens;
    pendingChallenge = null;
    saveTokens(newTokens);
    claimLocalData(newTokens.username);
    set({ status: "signed_in", username: newTokens.username, challenge: null, error: null });
  }

  function applyResult(outcome: cognito.SignInResult): void {
    if ("tokens" in outcome) {
      startSession(outcome.tokens);
    } else {
      pendingChallenge = outcome.challenge;
      set({ challenge: { type: pendingChallenge.type }, error: null });
    }
  }

  async function restore(): Promise<void> {
    await useService.getState().load();
    const usesOidc = !usesPool();
    set({ usesOidc });
    // Rotating refresh tokens of an OIDC provider must not be shared by tabs: there, a new tab signs in by itself.
    tabs.answerOtherTabs({ tokens: () => (usesOidc ? null : tokens), signedOut: () => endSession(null) });
    if (usesOidc && /[?&]state=/.test(location.search)) {
      const signedIn = await get()
        .finishOidcSignIn(location.href)
        .then(() => true)
        .catch((error: unknown) => {
          set({ error: toServiceError(error) });
          return false;
        });
      if (signedIn) return;
    }
    const { client_id } = currentService().config;
    tokens = loadTokens(client_id) ?? (await tabs.requestTokens(client_id));
    if (tokens === null) return set(SIGNED_OUT);
    // Offline, the session stays; only a rejected refresh ends it.
    await bearerToken().catch(() => null);
    if (tokens !== null) startSession(tokens);
  }

  return {
    status: "unknown",
    username: null,
    challenge: null,
    usesOidc: false,
    error: null,
    restore() {
      restoring ??= restore().finally(() => {
        restoring = null;
      });
      return restoring;
    },
    async signIn(username, password) {
      pendingChallenge = null;
      set({ challenge: null });
      applyResult(await cognito.signIn(pool(), username, password));
    },
    async answerChallenge(value) {
      if (pendingChallenge === null) throw new ServiceError("sign_in_expired", "There is nothing to answer.");
      try {
        applyResult(await cognito.respondToChallenge(pool(), pendingChallenge, value.trim()));
      } catch (error) {
        const { code, retryable } = toServiceError(error);
        if (code !== "wrong_code" && code !== "weak_password" && !retryable) {
          pendingChallenge = null;
          set({ challenge: null });
        }
        throw error;
      }
    },
    async signInAsLocalUser() {
      const user = currentService().deployment.local_user;
      if (user === null) throw new ServiceError("sign_in_unsupported", "This deployment has no local user.");
      await get().signIn(user.username, user.password);
    },
    async signInWithOidc() {
      const { startSignIn } = await import("./oidc");
      const from = `${location.pathname}${location.search}${location.hash}`;
      location.assign((await startSignIn(issuer(), from)).href);
    },
    async finishOidcSignIn(url) {
      const { finishSignIn, isCallback } = await import("./oidc");
      if (!isCallback(url)) throw new ServiceError("sign_in_failed", "This sign-in was not begun here.");
      const homeUrl = new URL(import.meta.env.BASE_URL, location.origin).href;
      try {
        const finished = await finishSignIn(issuer(), url);
        history.replaceState(history.state, "", new URL(finished.from, homeUrl));
        startSession(finished.tokens);
      } catch (error) {
        history.replaceState(history.state, "", homeUrl);
        throw error;
      }
    },
    async signOut() {
      const refresh = tokens?.refresh ?? null;
      endSession(null);
      tabs.notifySignedOut();
      // Signed out here, whether or not the revocation succeeds.
      if (refresh !== null && usesPool()) await cognito.revoke(pool(), refresh).catch(() => undefined);
    },
  };
});

/** End the session. With an error, the local data stays for the same user. */
function endSession(error: ServiceError | null): void {
  tokens = null;
  pendingChallenge = null;
  refreshing = null;
  saveTokens(null);
  useSession.setState({ ...SIGNED_OUT, error });
  if (error === null) clearLocalData();
  else void useService.getState().reload(); // a redeployed stack has another user pool
}

/**
 * A valid bearer token, refreshed a minute before it expires, once for all concurrent callers. Throws `ServiceError`:
 * `unauthorized` if no user is signed in, or the network's error.
 */
export async function bearerToken(): Promise<string> {
  if (tokens === null) throw new ServiceError("unauthorized", "Nobody is signed in.", { status: 401 });
  if (Date.now() < tokens.renewAt) return tokens.bearer;
  const before = tokens;
  refreshing ??= refresh(before).finally(() => {
    refreshing = null;
  });
  const refreshed = await refreshing;
  return refreshed.bearer;
}

/** Whether the token can be refreshed without another sign-in. */
export const canRefresh = (): boolean => tokens !== null && tokens.refresh !== null;

/** Mark a token as rejected: the next `bearerToken()` refreshes it, unless that has happened already. */
export function invalidateToken(bearer: string): void {
  if (tokens?.bearer === bearer) tokens = { ...tokens, renewAt: 0 };
}

/** End the session because the service rejected a refreshed token. */
export function endRejectedSession(bearer: string): void {
  if (tokens?.bearer === bearer)
    endSession(new ServiceError("unauthorized", "The sign-in has ended.", { status: 401 }));
}

async function refresh(before: Tokens): Promise<Tokens> {
  try {
    const refreshed = usesPool()
      ? await cognito.refreshTokens(pool(), before)
      : await (await import("./oidc")).refreshTokens(issuer(), before);
    // The user may have signed out, or changed, meanwhile.
    if (tokens?.refresh !== before.refresh) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
    tokens = refreshed;
    saveTokens(refreshed);
    return refreshed;
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (error.code === "unauthorized" && tokens?.refresh === before.refresh) endSession(error);
    throw error;
  }
}

const usesPool = (): boolean => cognito.isCognito(currentService().config.issuer);

function pool(): cognito.Pool {
  const { deployment, config } = currentService();
  return { url: deployment.identity_url ?? new URL(config.issuer).origin, clientId: config.client_id };
}

function issuer(): { url: string; clientId: string } {
  const { config } = currentService();
  return { url: config.issuer, clientId: config.client_id };
}
