import { describe, expect, test } from "vitest";
import { CLIENT, jsonResponse } from "./fakes";
import { fakePool, loadSession, rejection, tokens } from "./session-fixture";

describe("a sign-in challenge", () => {
  const challenge = (name: string) => () =>
    jsonResponse({ ChallengeName: name, Session: "s1", ChallengeParameters: { USER_ID_FOR_SRP: "ann" } });

  test("for a new password is answered", async () => {
    const { asked } = fakePool(
      challenge("NEW_PASSWORD_REQUIRED"),
      () => rejection("InvalidPasswordException", "Password not long enough"),
      () => jsonResponse(tokens(1, { RefreshToken: "r" })),
    );
    const { useSession } = await loadSession();
    await useSession.getState().signIn("ann@example.com", "first");
    expect(useSession.getState().challenge).toEqual({ type: "new_password" });
    expect(useSession.getState().status).not.toBe("signed_in");
    await expect(useSession.getState().answerChallenge("short")).rejects.toMatchObject({ code: "weak_password" });
    expect(useSession.getState().challenge).toEqual({ type: "new_password" });
    await useSession.getState().answerChallenge("long enough");
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

  test("for a code follows that for a password", async () => {
    const { asked } = fakePool(
      challenge("NEW_PASSWORD_REQUIRED"),
      challenge("SOFTWARE_TOKEN_MFA"),
      () => rejection("CodeMismatchException", "Invalid code received for user"),
      () => jsonResponse(tokens(1)),
    );
    const { useSession } = await loadSession();
    await useSession.getState().signIn("ann", "first");
    await useSession.getState().answerChallenge("long enough");
    expect(useSession.getState().challenge).toEqual({ type: "code" });
    await expect(useSession.getState().answerChallenge("000000")).rejects.toMatchObject({ code: "wrong_code" });
    expect(useSession.getState().challenge).toEqual({ type: "code" });
    await useSession.getState().answerChallenge(" 123456 ");
    expect(asked[3]?.body.ChallengeResponses).toEqual({ USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE: "123456" });
    expect(useSession.getState().status).toBe("signed_in");
  });

  test("that has expired starts the sign-in over", async () => {
    fakePool(challenge("SOFTWARE_TOKEN_MFA"), () =>
      rejection("NotAuthorizedException", "Invalid session for the user."),
    );
    const { useSession } = await loadSession();
    await useSession.getState().signIn("ann", "first");
    await expect(useSession.getState().answerChallenge("123456")).rejects.toMatchObject({ code: "sign_in_expired" });
    expect(useSession.getState().challenge).toBeNull();
  });

  test("that is not supported is an error", async () => {
    fakePool(challenge("WEB_AUTHN"));
    const { useSession } = await loadSession();
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
  fakePool(() => rejection(type, message));
  const { useSession } = await loadSession();
  await expect(useSession.getState().signIn("ann", "x")).rejects.toMatchObject({ code, message });
});
