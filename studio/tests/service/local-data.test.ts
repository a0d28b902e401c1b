import { beforeEach, expect, test, vi } from "vitest";
import { draftOf, emptyDraft, useDrafts } from "@/drafts/draft";
import { pictureInput } from "@/drafts/input-file";
import { clearLocalData } from "@/service/local-data";
import { jsonResponse, jwt } from "./fakes";
import { fakePool, loadSession, rejection } from "./session-fixture";

const drafts = () => useDrafts.getState();

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => "blob:a");
  URL.revokeObjectURL = vi.fn();
});

test("signing out clears drafts, files and object URLs", () => {
  drafts().setInput("inpaint", "photo", pictureInput(new Blob(["x"]), "room.jpg", "image/jpeg", 800, 600));
  drafts().setStrokes([]);
  drafts().setParam("generate", "prompt", "a secret");
  clearLocalData();
  expect(draftOf(drafts(), "inpaint")).toEqual(emptyDraft("inpaint"));
  expect(draftOf(drafts(), "generate")).toEqual(emptyDraft("generate"));
  expect(drafts().strokes).toBeNull();
  expect(URL.revokeObjectURL).toHaveBeenCalledOnce();
  expect(localStorage.getItem("darkroom.drafts")).toBeNull();
});

test("local data is cleared at sign-out and for another user, but not when a session expires", async () => {
  localStorage.clear();
  localStorage.setItem("darkroom.settings", "of everybody");
  const as = (username: string) => () =>
    jsonResponse({ AuthenticationResult: { AccessToken: jwt({ username }), RefreshToken: username, ExpiresIn: 1 } });
  const over = () => rejection("NotAuthorizedException", "Refresh Token has expired");
  fakePool(as("ann"), over, as("ann"), over, as("bob"));
  const { bearerToken, useSession } = await loadSession();
  const { signIn, signOut } = useSession.getState();
  const kept = () => localStorage.getItem("darkroom.drafts");
  vi.useFakeTimers();

  await signIn("ann", "secret");
  localStorage.setItem("darkroom.drafts", "Ann's");
  vi.advanceTimersByTime(60_000);
  await expect(bearerToken()).rejects.toMatchObject({ code: "unauthorized" });
  await signIn("ann", "secret");
  expect(kept()).toBe("Ann's");
  vi.advanceTimersByTime(60_000);
  await expect(bearerToken()).rejects.toMatchObject({ code: "unauthorized" });
  await signIn("bob", "secret");
  expect(kept()).toBeNull();
  localStorage.setItem("darkroom.drafts", "Bob's");
  await signOut();
  expect(kept()).toBeNull();
  expect(localStorage.getItem("darkroom.settings")).toBe("of everybody");
});
