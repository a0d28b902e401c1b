import { beforeEach, describe, expect, test, vi } from "vitest";
import { API, CLIENT, CONFIG, deployed, hosts, json, jwt, settled } from "./support";

const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";

/** The module keeps tokens: each test has one of its own, as a page that was just loaded. */
async function page() {
  vi.resetModules();
  const [session, support] = await Promise.all([import("@/service/session"), import("./support")]);
  support.deployed();
  return session;
}

const tokens = (number: number, more: object = {}) => ({
  AuthenticationResult: { AccessToken: jwt({ username: "ann", number }), ExpiresIn: 3600, ...more },
});
const refused = (type: string, message: string) => json({ __type: type, message }, 400);

function pool(...answers: (() => Response | Promise<Response>)[]) {
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

const realChannel = globalThis.BroadcastChannel;

beforeEach(() => {
  sessionStorage.clear();
  // One tab, unless a test says otherwise: the pages of earlier tests would answer.
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.useRealTimers();
  deployed();
});

test("a name and a password give a token and the name", async () => {
  const { asked } = pool(() => json(tokens(1, { RefreshToken: "r" })));
  const { token, useSession } = await page();
  await useSession.getState().restore();
  expect(useSession.getState().status).toBe("signed_out");
  await useSession.getState().signIn("ann@example.com", "secret");
  expect(useSession.getState()).toMatchObject({ status: "signed_in", username: "ann", challenge: null });
  expect(await token()).toBe(tokens(1).AuthenticationResult.AccessToken);
  expect(asked[0]?.body).toEqual({
    AuthFlow: "USER_PASSWORD_AUTH",
    ClientId: CLIENT,
    AuthParameters: { USERNAME: "ann@example.com", PASSWORD: "secret" },
  });
});

test("a reload stays signed in; another deployment's tokens are not taken", async () => {
  pool(() => json(tokens(1, { RefreshToken: "r" })));
  await (await page()).useSession.getState().signIn("ann", "secret");

  const reloaded = await page();
  await reloaded.useSession.getState().restore();
  expect(reloaded.useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });

  sessionStorage.setItem(
    "darkroom.tokens",
    (sessionStorage.getItem("darkroom.tokens") ?? "").replace(`"${CLIENT}"`, '"x"'),
  );
  const elsewhere = await page();
  await elsewhere.useSession.getState().restore();
  expect(elsewhere.useSession.getState().status).toBe("signed_out");
});

test("another tab is signed in by this one, and they sign out together", async () => {
  vi.stubGlobal("BroadcastChannel", realChannel);
  pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => json({}),
  );
  const first = await page();
  await first.useSession.getState().restore();
  await first.useSession.getState().signIn("ann", "secret");
  sessionStorage.clear(); // the other tab has its own
  const second = await page();
  await second.useSession.getState().restore();
  expect(second.useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });
  await first.useSession.getState().signOut();
  await vi.waitFor(() => expect(second.useSession.getState().status).toBe("signed_out"));
});

test("a token is renewed a minute before it ends, once for all who ask", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { asked } = pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => json(tokens(2)),
  );
  const { token, useSession } = await page();
  await useSession.getState().signIn("ann", "secret");
  vi.setSystemTime(Date.now() + 3530_000);
  await token();
  expect(asked).toHaveLength(1);
  vi.setSystemTime(Date.now() + 20_000);
  const given = await Promise.all([token(), token(), token()]);
  expect(new Set(given)).toEqual(new Set([tokens(2).AuthenticationResult.AccessToken]));
  expect(asked).toHaveLength(2);
  expect(asked[1]?.body).toMatchObject({ AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN: "r" } });
});

test("a refused token is renewed at the next request, unless that has happened", async () => {
  const { asked } = pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => json(tokens(2)),
  );
  const session = await page();
  await session.useSession.getState().signIn("ann", "secret");
  const first = await session.token();
  session.refused(first);
  const second = await session.token();
  session.refused(first);
  expect(await session.token()).toBe(second);
  expect(asked).toHaveLength(2);
});

test("when the refresh token is good no longer one is signed out, and told why", async () => {
  pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => refused("NotAuthorizedException", "Refresh Token has expired"),
  );
  const session = await page();
  await session.useSession.getState().signIn("ann", "secret");
  session.refused(await session.token());
  await expect(session.token()).rejects.toMatchObject({ code: "unauthorized" });
  const { status, error } = session.useSession.getState();
  expect(status).toBe("signed_out");
  expect(error?.code).toBe("unauthorized");
  expect(sessionStorage.getItem("darkroom.tokens")).toBeNull();
});

test("who is offline when the token ends stays signed in", async () => {
  const { stub } = pool(() => json(tokens(1, { RefreshToken: "r", ExpiresIn: 1 })));
  const first = await page();
  await first.useSession.getState().signIn("ann", "secret");
  delete stub.routes[POOL];
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 60_000);
  const { token, useSession } = await page();
  await useSession.getState().restore();
  expect(useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });
  await expect(token()).rejects.toMatchObject({ code: "unreachable", retryable: true });
});

test("the local user takes one click", async () => {
  const { asked } = pool(() => json(tokens(1)));
  const { useSession } = await page();
  await useSession.getState().signInAsLocalUser();
  expect(asked[0]?.body.AuthParameters).toEqual({ USERNAME: "local", PASSWORD: "secret" });
});

test("signing out revokes the refresh token, and is done although nobody hears of it", async () => {
  const { asked, stub } = pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => json({}),
    () => json(tokens(1, { RefreshToken: "r2" })),
  );
  const { useSession } = await page();
  await useSession.getState().signIn("ann", "secret");
  await useSession.getState().signOut();
  expect(asked[1]).toEqual({ operation: "RevokeToken", body: { ClientId: CLIENT, Token: "r" } });
  expect(useSession.getState()).toMatchObject({ status: "signed_out", error: null });
  await useSession.getState().signIn("ann", "secret");
  delete stub.routes[POOL];
  await useSession.getState().signOut();
  expect(useSession.getState().status).toBe("signed_out");
});

describe("what is asked before there are tokens", () => {
  const asks = (name: string) => () =>
    json({ ChallengeName: name, Session: "s1", ChallengeParameters: { USER_ID_FOR_SRP: "ann" } });

  test("a new password", async () => {
    const { asked } = pool(
      asks("NEW_PASSWORD_REQUIRED"),
      () => refused("InvalidPasswordException", "Password not long enough"),
      () => json(tokens(1, { RefreshToken: "r" })),
    );
    const { useSession } = await page();
    await useSession.getState().signIn("ann@example.com", "first");
    expect(useSession.getState().challenge).toEqual({ type: "new_password" });
    expect(useSession.getState().status).not.toBe("signed_in");
    await expect(useSession.getState().answer("short")).rejects.toMatchObject({ code: "weak_password" });
    expect(useSession.getState().challenge).toEqual({ type: "new_password" });
    await useSession.getState().answer("long enough");
    expect(useSession.getState()).toMatchObject({ status: "signed_in", challenge: null });
    expect(asked[2]).toEqual({
      operation: "RespondToAuthChallenge",
      body: {
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        ClientId: CLIENT,
        Session: "s1",
        ChallengeResponses: { USERNAME: "ann", NEW_PASSWORD: "long enough" },
      },
    });
  });

  test("a password, then a code", async () => {
    const { asked } = pool(
      asks("NEW_PASSWORD_REQUIRED"),
      asks("SOFTWARE_TOKEN_MFA"),
      () => refused("CodeMismatchException", "Invalid code received for user"),
      () => json(tokens(1)),
    );
    const { useSession } = await page();
    await useSession.getState().signIn("ann", "first");
    await useSession.getState().answer("long enough");
    expect(useSession.getState().challenge).toEqual({ type: "code" });
    await expect(useSession.getState().answer("000000")).rejects.toMatchObject({ code: "wrong_code" });
    expect(useSession.getState().challenge).toEqual({ type: "code" });
    await useSession.getState().answer(" 123456 ");
    expect(asked[3]?.body.ChallengeResponses).toEqual({ USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: "123456" });
    expect(useSession.getState().status).toBe("signed_in");
  });

  test("a question that has lapsed starts over", async () => {
    pool(asks("SOFTWARE_TOKEN_MFA"), () => refused("NotAuthorizedException", "Invalid session for the user."));
    const { useSession } = await page();
    await useSession.getState().signIn("ann", "first");
    await expect(useSession.getState().answer("123456")).rejects.toMatchObject({ code: "sign_in_expired" });
    expect(useSession.getState().challenge).toBeNull();
  });

  test("what we cannot answer is said", async () => {
    pool(asks("WEB_AUTHN"));
    const { useSession } = await page();
    await expect(useSession.getState().signIn("ann", "first")).rejects.toMatchObject({ code: "sign_in_unsupported" });
    expect(useSession.getState().challenge).toBeNull();
  });
});

test.each([
  ["NotAuthorizedException", "Incorrect username or password.", "sign_in_refused"],
  ["NotAuthorizedException", "Password attempts exceeded", "too_many_attempts"],
  ["UserNotFoundException", "User does not exist.", "sign_in_refused"],
  ["com.amazonaws#PasswordResetRequiredException", "Password reset required", "password_reset_required"],
  ["LimitExceededException", "Attempt limit exceeded", "too_many_attempts"],
  ["InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled", "sign_in_failed"],
])("%s (%s) is %s", async (type, message, code) => {
  pool(() => refused(type, message));
  const { useSession } = await page();
  await expect(useSession.getState().signIn("ann", "x")).rejects.toMatchObject({ code, message });
});

describe("another issuer", () => {
  const ISSUER = "https://login.example.com/realm";
  const ORIGIN = "https://login.example.com";

  async function visitor() {
    vi.resetModules();
    const [session, support] = await Promise.all([import("@/service/session"), import("./support")]);
    support.deployed({ issuer: ISSUER });
    return session;
  }

  const metadata = () =>
    json({
      issuer: ISSUER,
      authorization_endpoint: `${ORIGIN}/authorize`,
      token_endpoint: `${ORIGIN}/token`,
      scopes_supported: ["openid", "profile", "offline_access"],
    });

  test("is where one is sent, with PKCE, and comes back from signed in", async () => {
    const { begin, finish, isAnswer } = await import("@/service/elsewhere");
    const issuer = { url: ISSUER, clientId: CLIENT };
    let nonce = "";
    let verifier = "";
    const given = () => ({
      iss: ISSUER,
      aud: CLIENT,
      sub: "1",
      preferred_username: "ann",
      nonce,
      iat: now(),
      exp: now() + 600,
    });
    const now = () => Math.floor(Date.now() / 1000);
    // Node's buffers are not jsdom's; a browser has one kind.
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, "digest").mockImplementation(
      async (name, data) => Uint8Array.from(new Uint8Array(await digest(name, data))).buffer,
    );
    hosts({
      [`GET ${ISSUER}/.well-known/openid-configuration`]: metadata,
      [`POST ${ORIGIN}/token`]: async (asked) => {
        const form = new URLSearchParams(await asked.text());
        verifier = form.get("code_verifier") ?? "";
        return json({
          access_token: jwt({ aud: "account" }),
          id_token: jwt({ ...given(), alg: "none" }).replace(/^[^.]+/, btoa('{"alg":"RS256"}').replaceAll("=", "")),
          token_type: "bearer",
          refresh_token: "r",
          expires_in: 300,
        });
      },
    });
    const url = await begin(issuer, "/jobs?kind=upscale");
    expect(url.origin + url.pathname).toBe(`${ORIGIN}/authorize`);
    expect(url.searchParams.get("scope")).toBe("openid profile offline_access");
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    nonce = url.searchParams.get("nonce") ?? "";
    const back = `${location.origin}/?code=c&state=${url.searchParams.get("state")}`;
    expect(isAnswer(back)).toBe(true);
    expect(isAnswer(`${location.origin}/?code=c&state=somebody-elses`)).toBe(false);
    const { tokens, from } = await finish(issuer, back);
    expect(from).toBe("/jobs?kind=upscale");
    expect(tokens).toMatchObject({ username: "ann", refresh: "r", clientId: CLIENT });
    // The access token is for somebody else's API, the ID token for our client.
    expect(JSON.parse(atob(tokens.bearer.split(".")[1] ?? "")).aud).toBe(CLIENT);
    expect(verifier.length).toBeGreaterThan(40);
    expect(isAnswer(back)).toBe(false);
  });

  test("is asked for no password, and its refusal is told", async () => {
    hosts({ [`GET ${ISSUER}/.well-known/openid-configuration`]: metadata });
    sessionStorage.setItem("darkroom.elsewhere", JSON.stringify({ verifier: "v", state: "s", nonce: "n", from: "/" }));
    history.replaceState(null, "", "/?error=access_denied&state=s");
    const { useSession } = await visitor();
    await useSession.getState().restore();
    expect(useSession.getState()).toMatchObject({ status: "signed_out", elsewhere: true });
    expect(useSession.getState().error?.code).toBe("sign_in_failed");
    expect(location.search).toBe("");
  });
});

test("what is kept of a person goes when they sign out or another signs in, but not when a sign-in only ends", async () => {
  localStorage.clear();
  localStorage.setItem("darkroom.settings", "of everybody");
  const as = (username: string) => () =>
    json({ AuthenticationResult: { AccessToken: jwt({ username }), RefreshToken: username, ExpiresIn: 1 } });
  const over = () => refused("NotAuthorizedException", "Refresh Token has expired");
  pool(as("ann"), over, as("ann"), over, as("bob"));
  const { token, useSession } = await page();
  const { signIn, signOut } = useSession.getState();
  const kept = () => localStorage.getItem("darkroom.drafts");
  vi.useFakeTimers();

  await signIn("ann", "secret");
  localStorage.setItem("darkroom.drafts", "Ann's");
  vi.advanceTimersByTime(60_000);
  await expect(token()).rejects.toMatchObject({ code: "unauthorized" });
  await signIn("ann", "secret");
  expect(kept()).toBe("Ann's");
  vi.advanceTimersByTime(60_000);
  await expect(token()).rejects.toMatchObject({ code: "unauthorized" });
  await signIn("bob", "secret");
  expect(kept()).toBeNull();
  localStorage.setItem("darkroom.drafts", "Bob's");
  await signOut();
  expect(kept()).toBeNull();
  expect(localStorage.getItem("darkroom.settings")).toBe("of everybody");
});

test("a stack that was deployed anew under an open page is found when the sign-in ends", async () => {
  const { stub, asked } = pool(
    () => json(tokens(1, { RefreshToken: "r" })),
    () => refused("ResourceNotFoundException", "User pool client does not exist."),
    () => json(tokens(2, { RefreshToken: "r" })),
  );
  const { refused: refuse, token, useSession } = await page();
  await useSession.getState().signIn("ann", "secret");
  stub.routes[`GET ${location.origin}/config.json`] = () => json({ api_url: API });
  stub.routes[`GET ${API}/config`] = () => json({ ...CONFIG, client_id: "new" });
  refuse(await token());
  await expect(token()).rejects.toMatchObject({ code: "unauthorized" });
  await vi.waitFor(() => expect(stub.to(`GET ${API}/config`)).toHaveLength(1));
  await settled();
  await useSession.getState().signIn("ann", "secret");
  expect(asked.at(-1)?.body).toMatchObject({ ClientId: "new" });
});
