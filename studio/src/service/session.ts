/** Who is signed in, and the token for the next request. */
import { create } from "zustand";
import * as cognito from "./cognito";
import { serviceNow, useService } from "./deployment";
import { ServiceError, toServiceError } from "./error";
import { arrive, depart } from "./local-data";
import * as tabs from "./tab-sync";
import { keep, kept, type Tokens } from "./tokens";

interface Session {
  status: "unknown" | "signed_out" | "signed_in";
  username: string | null;
  /** What is to be answered before one is signed in. */
  challenge: { type: "new_password" | "code" } | null;
  /** Whether people sign in at another issuer's page; known once the deployment is. */
  elsewhere: boolean;
  /** Why the sign-in ended or failed, where nobody asked for that. */
  error: ServiceError | null;
  /** Find out who is signed in: kept by this tab, by another, or just back from the issuer's page. */
  restore(): Promise<void>;
  /** Throws `ServiceError`; without one, one is signed in or there is a `challenge`. */
  signIn(username: string, password: string): Promise<void>;
  /** The new password, or the code. Throws `ServiceError` (`wrong_code` and `weak_password` leave the challenge). */
  answer(value: string): Promise<void>;
  signInAsLocalUser(): Promise<void>;
  /** Leaves for the issuer's page. */
  signInElsewhere(): Promise<void>;
  /** Back from the issuer's page, which sent the person to `url`. */
  finishElsewhere(url: string): Promise<void>;
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
    keep(given);
    arrive(given.username);
    set({ status: "signed_in", username: given.username, challenge: null, error: null });
  }

  function take(outcome: cognito.Outcome): void {
    if ("tokens" in outcome) {
      enter(outcome.tokens);
    } else {
      asked = outcome.challenge;
      set({ challenge: { type: asked.type }, error: null });
    }
  }

  async function restore(): Promise<void> {
    await useService.getState().load();
    const elsewhere = !usesPool();
    set({ elsewhere });
    // A refresh token that another issuer changes at every use must not be in two tabs; there, a new tab asks the issuer.
    tabs.join({ tokens: () => (elsewhere ? null : tokens), signedOut: () => leave(null) });
    if (elsewhere && /[?&]state=/.test(location.search)) {
      const found = await get()
        .finishElsewhere(location.href)
        .then(() => true)
        .catch((error: unknown) => {
          set({ error: toServiceError(error) });
          return false;
        });
      if (found) return;
    }
    const { client_id } = serviceNow().config;
    tokens = kept(client_id) ?? (await tabs.ask(client_id));
    if (tokens === null) return set(NOBODY);
    // Who is offline stays who they were; only a refusal ends that.
    await token().catch(() => null);
    if (tokens !== null) enter(tokens);
  }

  return {
    status: "unknown",
    username: null,
    challenge: null,
    elsewhere: false,
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
    async answer(value) {
      if (asked === null) throw new ServiceError("sign_in_expired", "There is nothing to answer.");
      try {
        take(await cognito.answer(pool(), asked, value.trim()));
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
      const user = serviceNow().deployment.local_user;
      if (user === null) throw new ServiceError("sign_in_unsupported", "This deployment has no local user.");
      await get().signIn(user.username, user.password);
    },
    async signInElsewhere() {
      const { begin } = await import("./oidc");
      const from = `${location.pathname}${location.search}${location.hash}`;
      location.assign((await begin(issuer(), from)).href);
    },
    async finishElsewhere(url) {
      const { finish, isAnswer } = await import("./oidc");
      if (!isAnswer(url)) throw new ServiceError("sign_in_failed", "This sign-in was not begun here.");
      const back = new URL(import.meta.env.BASE_URL, location.origin).href;
      try {
        const finished = await finish(issuer(), url);
        history.replaceState(history.state, "", new URL(finished.from, back));
        enter(finished.tokens);
      } catch (error) {
        history.replaceState(history.state, "", back);
        throw error;
      }
    },
    async signOut() {
      const refresh = tokens?.refresh ?? null;
      leave(null);
      tabs.tellSignedOut();
      // One is signed out here, whether or not the pool hears of it.
      if (refresh !== null && usesPool()) await cognito.revoke(pool(), refresh).catch(() => undefined);
    },
  };
});

/** Nobody is signed in any more. With an error, whoever was may come back, and finds what they left. */
function leave(error: ServiceError | null): void {
  tokens = null;
  asked = null;
  renewing = null;
  keep(null);
  useSession.setState({ ...NOBODY, error });
  if (error === null) depart();
  else void useService.getState().again(); // its user pool may be another one by now
}

/**
 * A bearer token that is good for now. It is renewed a minute before it ends, once for all who ask meanwhile. Throws
 * `ServiceError`: `unauthorized` when nobody is signed in, which then shows in `useSession`, and what the network said.
 */
export async function token(): Promise<string> {
  if (tokens === null) throw new ServiceError("unauthorized", "Nobody is signed in.", { status: 401 });
  if (Date.now() < tokens.renewAt) return tokens.bearer;
  const before = tokens;
  renewing ??= renew(before).finally(() => {
    renewing = null;
  });
  const renewed = await renewing;
  return renewed.bearer;
}

/** Whether there can be a new token without anybody signing in. */
export const isRenewable = (): boolean => tokens !== null && tokens.refresh !== null;

/** The service refused this token: the next `token()` is a new one, unless there has been one since. */
export function refused(bearer: string): void {
  if (tokens?.bearer === bearer) tokens = { ...tokens, renewAt: 0 };
}

/** The service refused this token although it was new: whoever had it must sign in again. */
export function rejected(bearer: string): void {
  if (tokens?.bearer === bearer) leave(new ServiceError("unauthorized", "The sign-in has ended.", { status: 401 }));
}

async function renew(before: Tokens): Promise<Tokens> {
  try {
    const renewed = usesPool()
      ? await cognito.renew(pool(), before)
      : await (await import("./oidc")).renew(issuer(), before);
    // Somebody may have signed out, or in as another, meanwhile.
    if (tokens?.refresh !== before.refresh) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
    tokens = renewed;
    keep(renewed);
    return renewed;
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (error.code === "unauthorized" && tokens?.refresh === before.refresh) leave(error);
    throw error;
  }
}

const usesPool = (): boolean => cognito.isCognito(serviceNow().config.issuer);

function pool(): cognito.Pool {
  const { deployment, config } = serviceNow();
  return { url: deployment.identity_url ?? new URL(config.issuer).origin, clientId: config.client_id };
}

function issuer(): { url: string; clientId: string } {
  const { config } = serviceNow();
  return { url: config.issuer, clientId: config.client_id };
}
