/** Who is signed in, and the token for the next request. */
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
  /** What is to be answered before one is signed in. */
  challenge: { type: "new_password" | "code" } | null;
  /** Whether people sign in at another issuer's page; known once the deployment is. */
  usesOidc: boolean;
  /** Why the sign-in ended or failed, where nobody asked for that. */
  error: ServiceError | null;
  /** Find out who is signed in: kept by this tab, by another, or just back from the issuer's page. */
  restore(): Promise<void>;
  /** Throws `ServiceError`; without one, one is signed in or there is a `challenge`. */
  signIn(username: string, password: string): Promise<void>;
  /** The new password, or the code. Throws `ServiceError` (`wrong_code` and `weak_password` leave the challenge). */
  answerChallenge(value: string): Promise<void>;
  signInAsLocalUser(): Promise<void>;
  /** Leaves for the issuer's page. */
  signInWithOidc(): Promise<void>;
  /** Back from the issuer's page, which sent the person to `url`. */
  finishOidcSignIn(url: string): Promise<void>;
  signOut(): Promise<void>;
}

let tokens: Tokens | null = null;
let asked: cognito.Challenge | null = null;
let restoring: Promise<void> | null = null;
let renewing: Promise<Tokens> | null = null;

const NOBODY = { status: "signed_out", username: null, challenge: null } as const;

/** Who is signed in. */
export const useSession = create<Session>()((set, get) => {
  function enter(given: Tokens): void {
    tokens = given;
    asked = null;
    saveTokens(given);
    claimLocalData(given.username);
    set({ status: "signed_in", username: given.username, challenge: null, error: null });
  }

  function take(outcome: cognito.SignInResult): void {
    if ("tokens" in outcome) {
      enter(outcome.tokens);
    } else {
      asked = outcome.challenge;
      set({ challenge: { type: asked.type }, error: null });
    }
  }

  async function restore(): Promise<void> {
    await useService.getState().load();
    const usesOidc = !usesPool();
    set({ usesOidc });
    // A refresh token that another issuer changes at every use must not be in two tabs; there, a new tab asks the issuer.
    tabs.answerOtherTabs({ tokens: () => (usesOidc ? null : tokens), signedOut: () => endSession(null) });
    if (usesOidc && /[?&]state=/.test(location.search)) {
      const found = await get()
        .finishOidcSignIn(location.href)
        .then(() => true)
        .catch((error: unknown) => {
          set({ error: toServiceError(error) });
          return false;
        });
      if (found) return;
    }
    const { client_id } = currentService().config;
    tokens = loadTokens(client_id) ?? (await tabs.requestTokens(client_id));
    if (tokens === null) return set(NOBODY);
    // Who is offline stays who they were; only a refusal ends that.
    await bearerToken().catch(() => null);
    if (tokens !== null) enter(tokens);
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
      asked = null;
      set({ challenge: null });
      take(await cognito.signIn(pool(), username, password));
    },
    async answerChallenge(value) {
      if (asked === null) throw new ServiceError("sign_in_expired", "There is nothing to answer.");
      try {
        take(await cognito.respondToChallenge(pool(), asked, value.trim()));
      } catch (error) {
        const { code, retryable } = toServiceError(error);
        if (code !== "wrong_code" && code !== "weak_password" && !retryable) {
          asked = null;
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
      const back = new URL(import.meta.env.BASE_URL, location.origin).href;
      try {
        const finished = await finishSignIn(issuer(), url);
        history.replaceState(history.state, "", new URL(finished.from, back));
        enter(finished.tokens);
      } catch (error) {
        history.replaceState(history.state, "", back);
        throw error;
      }
    },
    async signOut() {
      const refresh = tokens?.refresh ?? null;
      endSession(null);
      tabs.tellSignedOut();
      // One is signed out here, whether or not the pool hears of it.
      if (refresh !== null && usesPool()) await cognito.revoke(pool(), refresh).catch(() => undefined);
    },
  };
});

/** Nobody is signed in any more. With an error, whoever was may come back, and finds what they left. */
function endSession(error: ServiceError | null): void {
  tokens = null;
  asked = null;
  renewing = null;
  saveTokens(null);
  useSession.setState({ ...NOBODY, error });
  if (error === null) clearLocalData();
  else void useService.getState().reload(); // its user pool may be another one by now
}

/**
 * A bearer token that is good for now. It is renewed a minute before it ends, once for all who ask meanwhile. Throws
 * `ServiceError`: `unauthorized` when nobody is signed in, which then shows in `useSession`, and what the network said.
 */
export async function bearerToken(): Promise<string> {
  if (tokens === null) throw new ServiceError("unauthorized", "Nobody is signed in.", { status: 401 });
  if (Date.now() < tokens.renewAt) return tokens.bearer;
  const before = tokens;
  renewing ??= refresh(before).finally(() => {
    renewing = null;
  });
  const renewed = await renewing;
  return renewed.bearer;
}

/** Whether there can be a new token without anybody signing in. */
export const canRefresh = (): boolean => tokens !== null && tokens.refresh !== null;

/** The service refused this token: the next `token()` is a new one, unless there has been one since. */
export function invalidateToken(bearer: string): void {
  if (tokens?.bearer === bearer) tokens = { ...tokens, renewAt: 0 };
}

/** The service refused this token although it was new: whoever had it must sign in again. */
export function endRejectedSession(bearer: string): void {
  if (tokens?.bearer === bearer)
    endSession(new ServiceError("unauthorized", "The sign-in has ended.", { status: 401 }));
}

async function refresh(before: Tokens): Promise<Tokens> {
  try {
    const renewed = usesPool()
      ? await cognito.refreshTokens(pool(), before)
      : await (await import("./oidc")).refreshTokens(issuer(), before);
    // Somebody may have signed out, or in as another, meanwhile.
    if (tokens?.refresh !== before.refresh) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
    tokens = renewed;
    saveTokens(renewed);
    return renewed;
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
