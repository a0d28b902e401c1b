/** The job store with a fake service, sockets and uploads. */
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { Job } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";
import { fakeXhr, uploadRequest } from "../service/fake-xhr";
import { API, FakeSocket, fakeHosts, idOf, jobIn, jsonResponse, jwt, setDeployment, setOnline } from "../service/fakes";

export const A = idOf("a");
export const B = idOf("b");
export const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";
export const FORM = {
  url: "https://bucket.example.com/",
  fields: { key: `uploads/${A}/photo` },
  expires_at: "2026-01-01T00:15:00Z",
};
export const FILE = new Blob(["a photo"], { type: "image/jpeg" });

export let sockets: FakeSocket[];
export let service: ReturnType<typeof fakeHosts>;
/** The modules of the last page load. */
export let store: typeof import("@/jobs/store");
export let session: typeof import("@/service/session");

export const waitingJob = () => jobIn("awaiting_upload", 1, { progress: 0 });
const signIn = () =>
  jsonResponse({ AuthenticationResult: { AccessToken: jwt({ username: "ann" }), RefreshToken: "r", ExpiresIn: 3600 } });

export const picture: InputFile = {
  type: "picture",
  file: FILE,
  name: "a.jpg",
  contentType: "image/jpeg",
  width: 10,
  height: 10,
  url: "blob:a",
};

export function photoDraft(over: Partial<Draft> = {}): Draft {
  return {
    kind: "upscale",
    params: { scale: 3 },
    inputs: { photo: picture },
    engine: null,
    allowPreview: false,
    cache: true,
    ...over,
  };
}

/** Loads the studio's modules again, as a reload does; only the browser's storage stays. */
export async function reload(): Promise<void> {
  vi.resetModules();
  store = await import("@/jobs/store");
  session = await import("@/service/session");
  (await import("../service/fakes")).setDeployment();
  store.sockets.open = (url) => {
    const socket = new FakeSocket(url);
    sockets.push(socket);
    return socket;
  };
  if (sessionStorage.length === 0) await session.useSession.getState().signIn("ann", "secret");
  else await session.useSession.getState().restore();
}

beforeEach(async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.spyOn(Math, "random").mockReturnValue(0);
  localStorage.clear();
  sessionStorage.clear();
  setOnline(true);
  fakeXhr();
  setDeployment();
  sockets = [];
  service = fakeHosts({ [POOL]: signIn, [`GET ${API}/jobs`]: () => jsonResponse({ jobs: [] }) });
  await reload();
});

afterEach(async () => {
  Reflect.deleteProperty(navigator, "locks");
  for (const id of Object.keys(store.useJobs.getState().entries)) store.untrackJob(id);
  await session.useSession.getState().signOut();
});

export const entry = (id = A) => {
  const found = store.useJobs.getState().entries[id];
  if (found === undefined) throw new Error(`${id} is not known`);
  return found;
};
export const respondToCreate = (job: Job = waitingJob(), uploads: object = { photo: FORM }) => {
  service.routes[`POST ${API}/jobs`] = () => jsonResponse({ job, uploads }, 201);
};
export const lastBody = (route: string) => service.to(route).at(-1)?.json();

export async function socketNumber(number: number): Promise<FakeSocket> {
  await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(number));
  const socket = sockets[number];
  if (socket === undefined) throw new Error("no socket");
  socket.open();
  return socket;
}

export const uploadNumber = (number: number) => vi.waitFor(() => uploadRequest(number));
