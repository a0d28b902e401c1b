import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { useService } from "@/service/deployment";
import { ServiceError } from "@/service/error";
import { useSession } from "@/service/session";
import { SignIn } from "@/shell/sign-in";

const DEPLOYMENT = { deployment: "local", api_url: "http://127.0.0.1:1", identity_url: null };
const initial = useSession.getState();

beforeEach(() => {
  useSession.setState({ ...initial, status: "signed_out" }, true);
  deployed({ username: "local", password: "secret" });
});

function deployed(local_user: { username: string; password: string } | null) {
  const service = useService.getState().service;
  useService.setState({ service: { ...service, deployment: { ...DEPLOYMENT, local_user } } as typeof service });
}

test("a local stack signs in with one click", async () => {
  const signInAsLocalUser = vi.fn(async () => {});
  useSession.setState({ signInAsLocalUser });
  render(<SignIn />);
  await userEvent.click(screen.getByRole("button", { name: /Continue as “local”/ }));
  expect(signInAsLocalUser).toHaveBeenCalledOnce();
});

test("a deployed stack asks for username and password, and shows why they were rejected", async () => {
  deployed(null);
  const signIn = vi.fn().mockRejectedValue(new ServiceError("sign_in_refused", "Incorrect username or password."));
  useSession.setState({ signIn });
  render(<SignIn />);
  expect(screen.queryByRole("button", { name: /Continue/ })).not.toBeInTheDocument();
  await userEvent.type(screen.getByLabelText("Username or email"), " ann ");
  await userEvent.type(screen.getByLabelText("Password"), "wrong");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(signIn).toHaveBeenCalledWith("ann", "wrong");
  expect(await screen.findByRole("alert")).toBeVisible();
  expect(screen.getByLabelText("Username or email")).toHaveValue(" ann ");
});

test("the first sign-in asks for a new password and shows its rules", async () => {
  const answerChallenge = vi.fn(async () => {});
  useSession.setState({ challenge: { type: "new_password" }, answerChallenge });
  render(<SignIn />);
  const field = screen.getByLabelText("Choose a new password");
  expect(field).toHaveAccessibleDescription(/14 characters/);
  await userEvent.type(field, "correct horse");
  await userEvent.click(screen.getByRole("button", { name: "Continue" }));
  expect(answerChallenge).toHaveBeenCalledWith("correct horse");
});

test("a session that ended by itself shows the reason", () => {
  useSession.setState({ error: new ServiceError("sign_in_expired", "") });
  render(<SignIn />);
  expect(screen.getByRole("alert")).toBeVisible();
});

test("the code field does not contain the new password", async () => {
  const answerChallenge = vi.fn(async () => useSession.setState({ challenge: { type: "code" } }));
  useSession.setState({ challenge: { type: "new_password" }, answerChallenge });
  render(<SignIn />);
  await userEvent.type(screen.getByLabelText("Choose a new password"), "correct horse");
  await act(async () => userEvent.click(screen.getByRole("button", { name: "Continue" })));
  expect(await screen.findByLabelText("Code from your authenticator app")).toHaveValue("");
});
