import { expect, test, vi } from "vitest";
import { API, CLIENT, CONFIG, flushPromises, jsonResponse } from "./fakes";
import { fakePool, loadSession, POOL, realChannel, rejection, tokens } from "./session-fixture";

test("username and password give a token and the username", async () => {
  const { asked } = fakePool(() => jsonResponse(tokens(1, { RefreshToken: "r" })));
  const { bearerToken, useSession } = await loadSession();
  await useSession.getState().restore();
  expect(useSession.getState().status).toBe("signed_out");
  await useSession.getState().signIn("ann@example.com", "secret");
  expect(useSession.getState()).toMatchObject({ status: "signed_in", username: "ann", challenge: null });
  expect(await bearerToken()).toBe(tokens(1).AuthenticationResult.AccessToken);
  expect(asked[0]?.body).toEqual({
    AuthFlow: "USER_PASSWORD_AUTH",
    ClientId: CLIENT,
    AuthParameters: { USERNAME: "ann@example.com", PASSWORD: "secret" },
  });
});

test("a reload stays signed in; tokens of another client are ignored", async () => {
  fakePool(() => jsonResponse(tokens(1, { RefreshToken: "r" })));
  await (await loadSession()).useSession.getState().signIn("ann", "secret");

  const reloaded = await loadSession();
  await reloaded.useSession.getState().restore();
  expect(reloaded.useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });

  sessionStorage.setItem(
    "darkroom.tokens",
    (sessionStorage.getItem("darkroom.tokens") ?? "").replace(`"${CLIENT}"`, '"x"'),
  );
  const other = await loadSession();
  await other.useSession.getState().restore();
  expect(other.useSession.getState().status).toBe("signed_out");
});

test("a new tab gets this tab's tokens, and both sign out together", async () => {
  vi.stubGlobal("BroadcastChannel", realChannel);
  fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => jsonResponse({}),
  );
  const first = await loadSession();
  await first.useSession.getState().restore();
  await first.useSession.getState().signIn("ann", "secret");
  sessionStorage.clear(); // the other tab has its own storage
  const second = await loadSession();
  await second.useSession.getState().restore();
  expect(second.useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });
  await first.useSession.getState().signOut();
  await vi.waitFor(() => expect(second.useSession.getState().status).toBe("signed_out"));
});

test("a token is refreshed a minute before it expires, once for all callers", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { asked } = fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => jsonResponse(tokens(2)),
  );
  const { bearerToken, useSession } = await loadSession();
  await useSession.getState().signIn("ann", "secret");
  vi.setSystemTime(Date.now() + 3530_000);
  await bearerToken();
  expect(asked).toHaveLength(1);
  vi.setSystemTime(Date.now() + 20_000);
  const given = await Promise.all([bearerToken(), bearerToken(), bearerToken()]);
  expect(new Set(given)).toEqual(new Set([tokens(2).AuthenticationResult.AccessToken]));
  expect(asked).toHaveLength(2);
  expect(asked[1]?.body).toMatchObject({ AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN: "r" } });
});

test("an invalidated token is refreshed at the next request, unless it was already", async () => {
  const { asked } = fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => jsonResponse(tokens(2)),
  );
  const session = await loadSession();
  await session.useSession.getState().signIn("ann", "secret");
  const first = await session.bearerToken();
  session.invalidateToken(first);
  const second = await session.bearerToken();
  session.invalidateToken(first);
  expect(await session.bearerToken()).toBe(second);
  expect(asked).toHaveLength(2);
});

test("an expired refresh token ends the session with an error", async () => {
  fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => rejection("NotAuthorizedException", "Refresh Token has expired"),
  );
  const session = await loadSession();
  await session.useSession.getState().signIn("ann", "secret");
  session.invalidateToken(await session.bearerToken());
  await expect(session.bearerToken()).rejects.toMatchObject({ code: "unauthorized" });
  const { status, error } = session.useSession.getState();
  expect(status).toBe("signed_out");
  expect(error?.code).toBe("unauthorized");
  expect(sessionStorage.getItem("darkroom.tokens")).toBeNull();
});

test("a token that expires offline does not end the session", async () => {
  const { stub } = fakePool(() => jsonResponse(tokens(1, { RefreshToken: "r", ExpiresIn: 1 })));
  const first = await loadSession();
  await first.useSession.getState().signIn("ann", "secret");
  delete stub.routes[POOL];
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 60_000);
  const { bearerToken, useSession } = await loadSession();
  await useSession.getState().restore();
  expect(useSession.getState()).toMatchObject({ status: "signed_in", username: "ann" });
  await expect(bearerToken()).rejects.toMatchObject({ code: "unreachable", retryable: true });
});

test("the local user signs in without a password prompt", async () => {
  const { asked } = fakePool(() => jsonResponse(tokens(1)));
  const { useSession } = await loadSession();
  await useSession.getState().signInAsLocalUser();
  expect(asked[0]?.body.AuthParameters).toEqual({ USERNAME: "local", PASSWORD: "secret" });
});

test("signing out revokes the refresh token, and succeeds without a network", async () => {
  const { asked, stub } = fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => jsonResponse({}),
    () => jsonResponse(tokens(1, { RefreshToken: "r2" })),
  );
  const { useSession } = await loadSession();
  await useSession.getState().signIn("ann", "secret");
  await useSession.getState().signOut();
  expect(asked[1]).toEqual({ operation: "RevokeToken", body: { ClientId: CLIENT, Token: "r" } });
  expect(useSession.getState()).toMatchObject({ status: "signed_out", error: null });
  await useSession.getState().signIn("ann", "secret");
  delete stub.routes[POOL];
  await useSession.getState().signOut();
  expect(useSession.getState().status).toBe("signed_out");
});

test("a redeployed stack is reloaded when the session ends", async () => {
  const { stub, asked } = fakePool(
    () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    () => rejection("ResourceNotFoundException", "User pool client does not exist."),
    () => jsonResponse(tokens(2, { RefreshToken: "r" })),
  );
  const { invalidateToken: refuse, bearerToken, useSession } = await loadSession();
  await useSession.getState().signIn("ann", "secret");
  stub.routes[`GET ${location.origin}/config.json`] = () => jsonResponse({ api_url: API });
  stub.routes[`GET ${API}/config`] = () => jsonResponse({ ...CONFIG, client_id: "new" });
  refuse(await bearerToken());
  await expect(bearerToken()).rejects.toMatchObject({ code: "unauthorized" });
  await vi.waitFor(() => expect(stub.to(`GET ${API}/config`)).toHaveLength(1));
  await flushPromises();
  await useSession.getState().signIn("ann", "secret");
  expect(asked.at(-1)?.body).toMatchObject({ ClientId: "new" });
});
