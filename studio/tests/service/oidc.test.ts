import { describe, expect, test, vi } from "vitest";
import { CLIENT, fakeHosts, jsonResponse, jwt } from "./fakes";
import "./session-fixture";

describe("sign-in with an OIDC provider", () => {
  const ISSUER = "https://login.example.com/realm";
  const ORIGIN = "https://login.example.com";

  async function visitor() {
    vi.resetModules();
    const [session, support] = await Promise.all([import("@/service/session"), import("./fakes")]);
    support.setDeployment({ issuer: ISSUER });
    return session;
  }

  const metadata = () =>
    jsonResponse({
      issuer: ISSUER,
      authorization_endpoint: `${ORIGIN}/authorize`,
      token_endpoint: `${ORIGIN}/token`,
      scopes_supported: ["openid", "profile", "offline_access"],
    });

  test("redirects with PKCE and returns signed in", async () => {
    const { startSignIn, finishSignIn, isCallback, refreshTokens } = await import("@/service/oidc");
    const issuer = { url: ISSUER, clientId: CLIENT };
    let nonce = "";
    let verifier = "";
    let access: object = { aud: ["account", CLIENT], scope: "openid" };
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
    // Node's buffer classes differ from jsdom's; a browser has one of each.
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, "digest").mockImplementation(
      async (name, data) => Uint8Array.from(new Uint8Array(await digest(name, data))).buffer,
    );
    fakeHosts({
      [`GET ${ISSUER}/.well-known/openid-configuration`]: metadata,
      [`POST ${ORIGIN}/token`]: async (asked) => {
        const form = new URLSearchParams(await asked.text());
        verifier = form.get("code_verifier") ?? "";
        return jsonResponse({
          access_token: jwt(access),
          id_token: jwt({ ...given(), alg: "none" }).replace(/^[^.]+/, btoa('{"alg":"RS256"}').replaceAll("=", "")),
          token_type: "bearer",
          refresh_token: "r",
          expires_in: 300,
        });
      },
    });
    const url = await startSignIn(issuer, "/jobs?kind=upscale");
    expect(url.origin + url.pathname).toBe(`${ORIGIN}/authorize`);
    expect(url.searchParams.get("scope")).toBe("openid profile offline_access");
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    nonce = url.searchParams.get("nonce") ?? "";
    const back = `${location.origin}/?code=c&state=${url.searchParams.get("state")}`;
    expect(isCallback(back)).toBe(true);
    expect(isCallback(`${location.origin}/?code=c&state=somebody-elses`)).toBe(false);
    const { tokens, from } = await finishSignIn(issuer, back);
    expect(from).toBe("/jobs?kind=upscale");
    expect(tokens).toMatchObject({ username: "ann", refresh: "r", clientId: CLIENT });
    // Never the ID token, though its audience is the client, too.
    expect(JSON.parse(atob(tokens.bearer.split(".")[1] ?? ""))).toEqual({ aud: ["account", CLIENT], scope: "openid" });
    expect(verifier.length).toBeGreaterThan(40);
    expect(isCallback(back)).toBe(false);
    access = { aud: "account" };
    await expect(refreshTokens(issuer, tokens)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("asks for no password, and shows the provider's error", async () => {
    fakeHosts({ [`GET ${ISSUER}/.well-known/openid-configuration`]: metadata });
    sessionStorage.setItem("darkroom.elsewhere", JSON.stringify({ verifier: "v", state: "s", nonce: "n", from: "/" }));
    history.replaceState(null, "", "/?error=access_denied&state=s");
    const { useSession } = await visitor();
    await useSession.getState().restore();
    expect(useSession.getState()).toMatchObject({ status: "signed_out", usesOidc: true });
    expect(useSession.getState().error?.code).toBe("sign_in_failed");
    expect(location.search).toBe("");
  });
});
