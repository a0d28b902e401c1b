/** Sign-in to a Cognito user pool by its public API. */
import { isRecord, isTransient, ServiceError } from "./error";
import { fetchWithTimeout } from "./network";
import { claimsOf, refreshTimeOf, type Tokens } from "./tokens";

/** The endpoint of a user pool, and the client id. */
export interface Pool {
  url: string;
  clientId: string;
}

/** A challenge before tokens are issued. */
export interface Challenge {
  type: "new_password" | "code";
  /** Cognito's name of the challenge, and of the response's field. */
  name: string;
  field: string;
  /** Cognito's session of the challenge; valid for some minutes. */
  session: string;
  username: string;
}

/** Tokens, or a challenge. */
export type SignInResult = { tokens: Tokens } | { challenge: Challenge };

const CHALLENGES: Readonly<Record<string, Pick<Challenge, "type" | "field">>> = {
  NEW_PASSWORD_REQUIRED: { type: "new_password", field: "NEW_PASSWORD" },
  SOFTWARE_TOKEN_MFA: { type: "code", field: "SOFTWARE_TOKEN_MFA_CODE" },
  SMS_MFA: { type: "code", field: "SMS_MFA_CODE" },
  EMAIL_OTP: { type: "code", field: "EMAIL_OTP_CODE" },
};

const CODES = {
  UserNotFoundException: "sign_in_refused",
  UserNotConfirmedException: "sign_in_refused",
  PasswordResetRequiredException: "password_reset_required",
  InvalidPasswordException: "weak_password",
  PasswordHistoryPolicyViolationException: "weak_password",
  CodeMismatchException: "wrong_code",
  ExpiredCodeException: "wrong_code",
  TooManyRequestsException: "too_many_attempts",
  LimitExceededException: "too_many_attempts",
  TooManyFailedAttemptsException: "too_many_attempts",
} as const;

/** Whether an issuer is a Cognito user pool. */
export function isCognito(issuer: string): boolean {
  return /^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.(com|com\.cn|eu)\//.test(`${issuer}/`);
}

/** Sign in with a password. Throws `ServiceError` (`sign_in_refused`, …). */
export async function signIn(pool: Pool, username: string, password: string): Promise<SignInResult> {
  return parseSignIn(
    pool,
    username,
    await call(pool, "InitiateAuth", {
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: pool.clientId,
      AuthParameters: { USERNAME: username, PASSWORD: password },
    }),
  );
}

/** Respond to a challenge. Throws `ServiceError`; `wrong_code` and `weak_password` can be retried. */
export async function respondToChallenge(pool: Pool, challenge: Challenge, value: string): Promise<SignInResult> {
  return parseSignIn(
    pool,
    challenge.username,
    await call(pool, "RespondToAuthChallenge", {
      ChallengeName: challenge.name,
      ClientId: pool.clientId,
      Session: challenge.session,
      ChallengeResponses: { USERNAME: challenge.username, [challenge.field]: value },
    }),
  );
}

/** Refresh the tokens. Throws `ServiceError`; `unauthorized` if the refresh token has expired. */
export async function refreshTokens(pool: Pool, tokens: Tokens): Promise<Tokens> {
  if (tokens.refresh === null) throw expiredError();
  try {
    const body = await call(pool, "InitiateAuth", {
      AuthFlow: "REFRESH_TOKEN_AUTH",
      ClientId: pool.clientId,
      AuthParameters: { REFRESH_TOKEN: tokens.refresh },
    });
    const refreshed = tokensOf(pool, tokens.username, body);
    if (refreshed === null) throw expiredError();
    return { ...refreshed, refresh: refreshed.refresh ?? tokens.refresh };
  } catch (error) {
    throw error instanceof ServiceError && !error.retryable ? expiredError(error) : error;
  }
}

/** Revoke a refresh token and its access tokens. */
export async function revoke(pool: Pool, refresh: string): Promise<void> {
  await call(pool, "RevokeToken", { ClientId: pool.clientId, Token: refresh });
}

const expiredError = (cause?: unknown) =>
  new ServiceError("unauthorized", "The sign-in has ended.", { status: 401, cause });

function parseSignIn(pool: Pool, username: string, body: Record<string, unknown>): SignInResult {
  const tokens = tokensOf(pool, username, body);
  if (tokens !== null) return { tokens };
  const { ChallengeName: name, Session: session, ChallengeParameters: parameters } = body;
  const challenge = typeof name === "string" ? CHALLENGES[name] : undefined;
  if (typeof name !== "string" || challenge === undefined || typeof session !== "string") {
    throw new ServiceError("sign_in_unsupported", `The user pool asks for ${String(name)}.`);
  }
  // After sign-in by an alias, the response must use the pool's own username.
  const poolUsername = isRecord(parameters) ? parameters.USER_ID_FOR_SRP : undefined;
  return {
    challenge: { ...challenge, name, session, username: typeof poolUsername === "string" ? poolUsername : username },
  };
}

function tokensOf({ clientId }: Pool, username: string, body: Record<string, unknown>): Tokens | null {
  const result = body.AuthenticationResult;
  if (!isRecord(result) || typeof result.AccessToken !== "string") return null;
  const usernameClaim = claimsOf(result.AccessToken).username;
  return {
    bearer: result.AccessToken,
    refresh: typeof result.RefreshToken === "string" ? result.RefreshToken : null,
    renewAt: refreshTimeOf(typeof result.ExpiresIn === "number" ? result.ExpiresIn : 3600),
    username: typeof usernameClaim === "string" ? usernameClaim : username,
    clientId,
  };
}

async function call(pool: Pool, operation: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetchWithTimeout(pool.url, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(body),
  });
  const parsed: unknown = await response.json().catch(() => null);
  const fields = isRecord(parsed) ? parsed : {};
  if (!response.ok) throw errorOf(response.status, fields);
  return fields;
}

function errorOf(status: number, fields: Record<string, unknown>): ServiceError {
  const type =
    String(fields.__type ?? "")
      .split("#")
      .at(-1) ?? "";
  const message = String(fields.message ?? fields.Message ?? (type || `HTTP ${status}`));
  return new ServiceError(codeOf(status, type, message), message, { status, retryable: isTransient(status) });
}

function codeOf(status: number, type: string, message: string) {
  if (type === "NotAuthorizedException") {
    if (/attempts exceeded/i.test(message)) return "too_many_attempts";
    return /session/i.test(message) ? "sign_in_expired" : "sign_in_refused";
  }
  const known = Object.entries(CODES).find(([name]) => name === type);
  if (known !== undefined) return known[1];
  return status === 429 ? "too_many_attempts" : "sign_in_failed";
}
