/** The session module with a fake user pool. */
import { beforeEach, vi } from "vitest";
import { fakeHosts, jsonResponse, jwt, setDeployment } from "./fakes";

export const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";

/** Loads the session module again, as a page load does: the module holds the tokens. */
export async function loadSession() {
  vi.resetModules();
  const [session, support] = await Promise.all([import("@/service/session"), import("./fakes")]);
  support.setDeployment();
  return session;
}

export const tokens = (number: number, more: object = {}) => ({
  AuthenticationResult: { AccessToken: jwt({ username: "ann", number }), ExpiresIn: 3600, ...more },
});
export const rejection = (type: string, message: string) => jsonResponse({ __type: type, message }, 400);

export function fakePool(...answers: (() => Response | Promise<Response>)[]) {
  const requests: { operation: string; body: Record<string, unknown> }[] = [];
  const hosts = fakeHosts({
    [POOL]: async (request) => {
      requests.push({
        operation: (request.headers.get("X-Amz-Target") ?? "").split(".")[1] ?? "",
        body: await request.json(),
      });
      const next = answers.shift();
      if (next === undefined) throw new TypeError("Failed to fetch");
      return next();
    },
  });
  return { asked: requests, stub: hosts };
}

export const realChannel = globalThis.BroadcastChannel;

beforeEach(() => {
  sessionStorage.clear();
  // No channel by default: sessions of earlier tests would respond.
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.useRealTimers();
  setDeployment();
});
