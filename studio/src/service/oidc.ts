/** OpenID Connect sign-in: the code flow with PKCE. Loaded only if the deployment uses an OIDC provider. */
import * as oauth from "oauth4webapi";
import { isRecord, ServiceError } from "./error";
import { claimsOf, refreshTimeOf, type Tokens } from "./tokens";

/** The issuer's URL, and the client id. */
export interface Issuer {
  url: string;
  clientId: string;
}

/** The state of a sign-in while the user is at the provider's page. */
interface Pending {
  verifier: string;
  state: string;
  nonce: string;
  /** The page to return to. */
  from: string;
}

const KEY = "darkroom.elsewhere";
const SCOPES = ["openid", "profile", "email", "offline_access"];

/** The redirect URI: the studio's own first page. */
const redirectUri = (): string => new URL(import.meta.env.BASE_URL, location.origin).href;

/** Whether `url` is the callback of a sign-in that this tab started. */
export function isCallback(url: string): boolean {
  const query = new URL(url).searchParams;
  return query.get("state") !== null && query.get("state") === pending()?.state;
}

/** The URL of the provider's sign-in page. The state of the sign-in is stored in this tab. */
export async function startSignIn(issuer: Issuer, from: string): Promise<URL> {
  const server = await discover(issuer);
  if (server.authorization_endpoint === undefined) throw signInError("The issuer has no page for signing in.");
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const supported = server.scopes_supported;
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    ...Object.fromEntries(url.searchParams),
    response_type: "code",
    client_id: issuer.clientId,
    redirect_uri: redirectUri(),
    scope: SCOPES.filter((scope) => supported?.includes(scope) ?? scope === "openid").join(" ") || "openid",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).toString();
  sessionStorage.setItem(KEY, JSON.stringify({ verifier, state, nonce, from } satisfies Pending));
  return url;
}

/** The tokens for a callback URL, and the page to return to. Throws `ServiceError` (`sign_in_failed`). */
export async function finishSignIn(issuer: Issuer, url: string): Promise<{ tokens: Tokens; from: string }> {
  const started = pending();
  sessionStorage.removeItem(KEY);
  if (started === null) throw signInError("This sign-in was not begun here.");
  const server = await discover(issuer);
  const client = { client_id: issuer.clientId };
  try {
    const parameters = oauth.validateAuthResponse(server, client, new URL(url), started.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      redirectUri(),
      started.verifier,
      insecure(issuer),
    );
    const granted = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: started.nonce,
      requireIdToken: true,
    });
    return { tokens: tokensOf(issuer, granted, null), from: started.from };
  } catch (error) {
    throw signInError(error instanceof Error ? error.message : "The issuer refused.", error);
  }
}

/** Refresh the tokens. Throws `ServiceError`; `unauthorized` if the refresh token has expired. */
export async function refreshTokens(issuer: Issuer, tokens: Tokens): Promise<Tokens> {
  if (tokens.refresh === null) throw new ServiceError("unauthorized", "The sign-in has ended.", { status: 401 });
  const server = await discover(issuer);
  const client = { client_id: issuer.clientId };
  let response: Response;
  try {
    response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh, insecure(issuer));
  } catch (error) {
    throw new ServiceError("unreachable", `${new URL(issuer.url).host} does not answer.`, {
      retryable: true,
      cause: error,
    });
  }
  try {
    return tokensOf(issuer, await oauth.processRefreshTokenResponse(server, client, response), tokens);
  } catch (error) {
    if (response.status >= 500) throw signInError("The issuer is in trouble.", error, true);
    throw new ServiceError("unauthorized", "The sign-in has ended.", { status: 401, cause: error });
  }
}

async function discover(issuer: Issuer): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer.url);
  let response: Response;
  try {
    response = await oauth.discoveryRequest(url, insecure(issuer));
  } catch (error) {
    throw new ServiceError("unreachable", `${url.host} does not answer.`, { retryable: true, cause: error });
  }
  try {
    return await oauth.processDiscoveryResponse(url, response);
  } catch (error) {
    throw signInError(`${url.host} does not say how to sign in.`, error);
  }
}

/** The tokens to use. The API accepts an access token whose `aud` or `client_id` is our client; never an ID token. */
function tokensOf({ clientId }: Issuer, granted: oauth.TokenEndpointResponse, before: Tokens | null): Tokens {
  const bearer = granted.access_token;
  if (!audienceOf(bearer).includes(clientId)) throw signInError(`The issuer's access token is not for ${clientId}.`);
  const claims = claimsOf(granted.id_token ?? granted.access_token);
  const { exp } = claimsOf(bearer);
  const seconds = typeof exp === "number" ? exp - Date.now() / 1000 : (granted.expires_in ?? 3600);
  const usernameClaims = [claims.preferred_username, claims.email, claims.name, before?.username, claims.sub];
  return {
    bearer,
    refresh: granted.refresh_token ?? before?.refresh ?? null,
    renewAt: refreshTimeOf(seconds),
    username: usernameClaims.find((name) => typeof name === "string") ?? "",
    clientId,
  };
}

function audienceOf(token: string): unknown[] {
  const { aud, client_id } = claimsOf(token);
  const audience = aud ?? client_id;
  return Array.isArray(audience) ? audience : [audience];
}

/** Plain HTTP is allowed only for issuers on this machine. */
function insecure({ url }: Issuer): { [oauth.allowInsecureRequests]?: true } {
  const { protocol, hostname } = new URL(url);
  const local = protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  return local ? { [oauth.allowInsecureRequests]: true } : {};
}

function pending(): Pending | null {
  const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return isPending(stored) ? stored : null;
}

function isPending(value: unknown): value is Pending {
  return isRecord(value) && ["verifier", "state", "nonce", "from"].every((name) => typeof value[name] === "string");
}

function signInError(message: string, cause?: unknown, retryable = false): ServiceError {
  return new ServiceError("sign_in_failed", message, { cause, retryable });
}
