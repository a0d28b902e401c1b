/** The session module with a fake user pool. */
import { beforeEach, vi } from "vitest";
import { deployed, hosts, json, jwt } from "./fakes";

export const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";

/** Loads the session module again, as a page load does: the module holds the tokens. */
export async function page() {
  vi.resetModules();
  const [session, support] = await Promise.all([import("@/service/session"), import("./fakes")]);
  support.deployed();
  return session;
}

export const tokens = (number: number, more: object = {}) => ({
  AuthenticationResult: { AccessToken: jwt({ username: "ann", number }), ExpiresIn: 3600, ...more },
});
export const rejection = (type: string, message: string) => json({ __type: type, message }, 400);

export function pool(...answers: (() => Response | Promise<Response>)[]) {
  const asked: { operation: string; body: Record<string, unknown> }[] = [];
  const stub = hosts({
    [POOL]: async (request) => {
      asked.push({
        operation: (request.headers.get("X-Amz-Target") ?? "").split(".")[1] ?? "",
        body: await request.json(),
      });
      const next = answers.shift();
      if (next === undefined) throw new TypeError("Failed to fetch");
      return next();
    },
  });
  return { asked, stub };
}

export const realChannel = globalThis.BroadcastChannel;

beforeEach(() => {
  sessionStorage.clear();
  // One tab, unless a test says otherwise: the pages of earlier tests would answer.
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.useRealTimers();
  deployed();
});
