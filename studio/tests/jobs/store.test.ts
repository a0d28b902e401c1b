import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Draft } from "@/compose/draft";
import type { Material } from "@/compose/material";
import type { Job } from "@/contract/types";
import { exchange, exchanges, fakeExchanges } from "../service/exchanges";
import { API, deployed, FakeSocket, hosts, idOf, jobIn, json, jwt, problem, setOnline } from "../service/support";

const A = idOf("a");
const B = idOf("b");
const POOL = "POST https://cognito-idp.eu-west-1.amazonaws.com/";
const FORM = {
  url: "https://bucket.example.com/",
  fields: { key: `uploads/${A}/photo` },
  expires_at: "2026-01-01T00:15:00Z",
};
const FILE = new Blob(["a photo"], { type: "image/jpeg" });

let sockets: FakeSocket[];
let service: ReturnType<typeof hosts>;
/** Those of the page that was loaded last. */
let store: typeof import("@/jobs/store");
let session: typeof import("@/service/session");

const waiting = () => jobIn("awaiting_upload", 1, { progress: 0 });
const signIn = () =>
  json({ AuthenticationResult: { AccessToken: jwt({ username: "ann" }), RefreshToken: "r", ExpiresIn: 3600 } });

const picture: Material = {
  type: "picture",
  file: FILE,
  name: "a.jpg",
  contentType: "image/jpeg",
  width: 10,
  height: 10,
  url: "blob:a",
};

function photoDraft(over: Partial<Draft> = {}): Draft {
  return {
    kind: "upscale",
    params: { scale: 3 },
    materials: { photo: picture },
    engine: null,
    allowPreview: false,
    cache: true,
    ...over,
  };
}

/** Loads the studio's modules anew, as a reload does: what is kept is what the browser keeps. */
async function loads(): Promise<void> {
  vi.resetModules();
  store = await import("@/jobs/store");
  session = await import("@/service/session");
  (await import("../service/support")).deployed();
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
  fakeExchanges();
  deployed();
  sockets = [];
  service = hosts({ [POOL]: signIn, [`GET ${API}/jobs`]: () => json({ jobs: [] }) });
  await loads();
});

afterEach(async () => {
  Reflect.deleteProperty(navigator, "locks");
  for (const id of Object.keys(store.useJobs.getState().entries)) store.forget(id);
  await session.useSession.getState().signOut();
});

const entry = (id = A) => {
  const found = store.useJobs.getState().entries[id];
  if (found === undefined) throw new Error(`${id} is not known`);
  return found;
};
const answersCreate = (job: Job = waiting(), uploads: object = { photo: FORM }) => {
  service.routes[`POST ${API}/jobs`] = () => json({ job, uploads }, 201);
};
const lastBody = (route: string) => service.to(route).at(-1)?.json();

async function socketNumber(number: number): Promise<FakeSocket> {
  await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(number));
  const socket = sockets[number];
  if (socket === undefined) throw new Error("no socket");
  socket.opens();
  return socket;
}

/** Locks that all tabs share; how many are held, and how often one was not free. */
function fakeLocks() {
  const held = new Map<string, Promise<unknown>>();
  const counts = {
    refused: 0,
    get held() {
      return held.size;
    },
  };
  const request = async (name: string, options: LockOptions, work: (lock: object | null) => Promise<void>) => {
    if (held.has(name) && options.ifAvailable) {
      counts.refused += 1;
      return work(null);
    }
    while (held.has(name)) await held.get(name);
    const done = work({}).finally(() => held.delete(name));
    held.set(name, done);
    await done;
  };
  Object.defineProperty(navigator, "locks", { configurable: true, value: { request } });
  return counts;
}

const uploadNumber = (number: number) => vi.waitFor(() => exchange(number));

describe("a draft that is sent", () => {
  test("becomes a job whose file follows and whose states come by the socket", async () => {
    answersCreate();
    expect(await store.submit(photoDraft())).toBe(A);
    const body = await lastBody(`POST ${API}/jobs`);
    expect(body).toMatchObject({ kind: "upscale", params: { scale: 3 }, allow_preview: false, cache: true });
    expect(body).not.toHaveProperty("engine");
    expect(body.uploads.photo).toMatchObject({ content_type: "image/jpeg", size: FILE.size });
    expect(body.uploads.photo.sha256).toMatch(/^[0-9a-f]{64}$/);
    const file = await uploadNumber(0);
    file.moves(1, 2);
    expect(entry().sent).toEqual({ photo: 0.5 });
    file.answers(204);
    const socket = await socketNumber(0);
    expect(socket.url).toMatch(/^wss:\/\/socket\.example\.com\/live\?token=ey/);
    expect(socket.heard).toEqual([{ action: "subscribe", job_id: A, after_seq: 1 }]);
    socket.tells(jobIn("queued", 2));
    socket.tells(jobIn("running", 4));
    socket.tells(jobIn("queued", 3));
    expect(entry().job).toMatchObject({ state: "running", seq: 4 });
    expect(store.useJobs.getState().connection).toBe("live");
    socket.tells(jobIn("completed", 6));
    socket.tells(jobIn("running", 7));
    expect(entry().job).toMatchObject({ state: "completed", seq: 6 });
  });

  test("whose result is there already uploads nothing", async () => {
    answersCreate(jobIn("completed", 1, { cached: true }), {});
    await store.submit(photoDraft());
    expect(entry().job.cached).toBe(true);
    expect(exchanges).toHaveLength(0);
    expect(sockets).toHaveLength(0);
  });

  test("twice at once is one job; once more after it arrived is another", async () => {
    answersCreate();
    const draft = photoDraft();
    await Promise.all([store.submit(draft), store.submit(draft)]);
    expect(service.to(`POST ${API}/jobs`)).toHaveLength(1);
    await store.submit(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(2);
  });

  test("whose answer was lost is sent again as the same job", async () => {
    const draft = photoDraft();
    await expect(store.submit(draft)).rejects.toMatchObject({ code: "unreachable" });
    answersCreate();
    await store.submit(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys.length).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(1);
  });

  test("and refused says why, and is left as it was", async () => {
    service.routes[`POST ${API}/jobs`] = () => problem(429, "rate_limited", {}, { "Retry-After": "12" });
    const draft = photoDraft();
    const before = structuredClone({ ...draft, materials: {} });
    await expect(store.submit(draft)).rejects.toMatchObject({ code: "rate_limited", retryAfter: 12 });
    expect({ ...draft, materials: {} }).toEqual(before);
    expect(draft.materials.photo).toMatchObject({ file: FILE });
    expect(store.useJobs.getState().entries).toEqual({});
  });

  test("with pictures of the library and portraits names them", async () => {
    answersCreate(jobIn("queued", 1), {});
    await store.submit(
      photoDraft({
        kind: "face_swap",
        materials: {
          source: { type: "avatar", name: "amara", url: "data:," },
          target: {
            type: "asset",
            asset: {
              asset_id: B,
              state: "ready",
              content_type: "image/png",
              created_at: "",
              source: { type: "upload" },
            },
          },
        },
      }),
    );
    expect((await lastBody(`POST ${API}/jobs`)).uploads).toEqual({
      source: { avatar: "amara" },
      target: { asset_id: B },
    });
  });
});

describe("a draft that is an earlier job", () => {
  const same = { photo: { type: "same", job_id: B, role: "photo", url: null } } as const;
  const earlier = (over: Partial<Job> = {}) => {
    service.routes[`GET ${API}/jobs/${B}`] = () =>
      json(jobIn("completed", 9, { job_id: B, params: { scale: 2, content: "anime", format: null }, ...over }));
  };

  test("with other params is that job again, without an upload; what was dropped goes back to its default", async () => {
    earlier();
    service.routes[`POST ${API}/jobs/${B}/rerun`] = () => json({ job: jobIn("queued", 1), uploads: {} }, 201);
    await store.submit(photoDraft({ materials: same, params: { scale: 4 } }));
    expect((await lastBody(`POST ${API}/jobs/${B}/rerun`)).params).toEqual({
      scale: 4,
      content: "photo",
      format: expect.anything(),
    });
    expect(exchanges).toHaveLength(0);
  });

  test("with another file beside it takes over what it was given", async () => {
    earlier({
      kind: "inpaint",
      uploads: { photo: { content_type: "image/jpeg", received: true, url: "https://bucket.example.com/old" } },
    });
    service.routes["GET https://bucket.example.com/old"] = () => new Response("an old photo");
    answersCreate(waiting(), { photo: FORM, mask: FORM });
    await store.submit(photoDraft({ kind: "inpaint", materials: { ...same, mask: picture } }));
    const { uploads } = await lastBody(`POST ${API}/jobs`);
    expect(uploads.photo).toMatchObject({ content_type: "image/jpeg", size: 12 });
    await uploadNumber(1);
  });

  test("whose file is gone says which is to be chosen again", async () => {
    earlier({ kind: "inpaint", uploads: { photo: { content_type: "image/jpeg", received: true, url: null } } });
    const draft = photoDraft({ kind: "inpaint", materials: { ...same, mask: { type: "avatar", name: "x", url: "" } } });
    await expect(store.submit(draft)).rejects.toMatchObject({
      code: "choose_again",
      errors: [{ field: "uploads.photo" }],
    });
  });
});

describe("a file", () => {
  const refuse = async () => {
    answersCreate();
    await store.submit(photoDraft());
    (await uploadNumber(0)).answers(400, "<Error><Code>EntityTooLarge</Code><Message>too large</Message></Error>");
    await vi.waitFor(() => expect(entry().trouble?.code).toBe("too_large"));
  };

  test("that is refused leaves the job waiting, and may be sent again", async () => {
    await refuse();
    expect(entry().job.state).toBe("awaiting_upload");
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () => json({ job: waiting(), uploads: { photo: FORM } });
    await store.retryUploads(A);
    expect(entry().trouble).toBeNull();
    (await uploadNumber(1)).answers(204);
    await vi.waitFor(() => expect(entry().sent).toEqual({ photo: 1 }));
  });

  test("whose form ran out of time gets another one", async () => {
    answersCreate();
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () => json({ job: waiting(), uploads: { photo: FORM } });
    await store.submit(photoDraft());
    (await uploadNumber(0)).answers(403, "<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>");
    (await uploadNumber(1)).answers(204);
    await vi.waitFor(() => expect(entry().sent).toEqual({ photo: 1 }));
    expect(entry().trouble).toBeNull();
  });

  test("is not sent further once the job is cancelled", async () => {
    answersCreate();
    await store.submit(photoDraft());
    const file = await uploadNumber(0);
    service.routes[`DELETE ${API}/jobs/${A}`] = () => json(jobIn("cancelled", 2));
    await store.cancel(A);
    file.answers(204);
    expect(entry().job.state).toBe("cancelled");
    expect(entry().trouble).toBeNull();
    expect(exchanges).toHaveLength(1);
  });
});

test("a cancellation that comes too late shows the end", async () => {
  answersCreate(jobIn("running", 3), {});
  await store.submit(photoDraft());
  service.routes[`DELETE ${API}/jobs/${A}`] = () => problem(409, "conflict");
  service.routes[`GET ${API}/jobs/${A}`] = () => json(jobIn("completed", 6));
  await store.cancel(A);
  expect(entry().job.state).toBe("completed");
});

test("links are made fresh without another state", async () => {
  answersCreate(jobIn("completed", 4, { cached: true }), {});
  await store.submit(photoDraft());
  service.routes[`GET ${API}/jobs/${A}`] = () => json(jobIn("completed", 4, { message: "with fresh links" }));
  await store.refresh(A);
  expect(entry().job.message).toBe("with fresh links");
  delete service.routes[`GET ${API}/jobs/${A}`];
  await store.refresh(A);
  expect(entry().job.message).toBe("with fresh links");
});

test("a job that is looked up is followed; one that is not there is an error", async () => {
  service.routes[`GET ${API}/jobs/${B}`] = () => json(jobIn("running", 3, { job_id: B }));
  service.routes[`GET ${API}/jobs/${A}`] = () => problem(404, "not_found");
  await store.watch(B);
  expect((await socketNumber(0)).heard).toEqual([{ action: "subscribe", job_id: B, after_seq: 3 }]);
  await expect(store.watch(A)).rejects.toMatchObject({ code: "not_found" });
});

describe("after a reload", () => {
  test("jobs go on from the state that was seen last, each state once", async () => {
    answersCreate(jobIn("queued", 2), {});
    await store.submit(photoDraft());
    const first = await socketNumber(0);
    first.tells(jobIn("running", 5, { preview: { key: "k", width: 1, height: 1, url: "https://x/" } }));

    await loads();
    await store.resume();
    expect(entry().job).toMatchObject({ state: "running", seq: 5, preview: null });
    const second = await socketNumber(1);
    expect(second.heard).toEqual([{ action: "subscribe", job_id: A, after_seq: 5 }]);
    second.tells(jobIn("running", 5));
    second.tells(jobIn("completed", 8));
    expect(entry().job.seq).toBe(8);

    await loads();
    await store.resume();
    expect(store.useJobs.getState().entries).toEqual({});
  });

  test("an upload that was cut short begins again with the same file", async () => {
    answersCreate();
    await store.submit(photoDraft());
    await uploadNumber(0);

    service.routes[`POST ${API}/jobs/${A}/uploads`] = () => json({ job: waiting(), uploads: { photo: FORM } });
    await loads();
    await store.resume();
    const again = await uploadNumber(1);
    const file = again.form.get("file");
    expect(file instanceof Blob && (await file.text())).toBe("a photo");
    again.answers(204);
    await vi.waitFor(() => expect(entry().sent).toEqual({ photo: 1 }));
  });

  test("an upload that another tab is at is left to it, and taken over when that tab is gone", async () => {
    const tabs = fakeLocks();
    answersCreate();
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () => json({ job: waiting(), uploads: { photo: FORM } });
    await store.submit(photoDraft());
    const first = await uploadNumber(0);

    await loads();
    await store.resume();
    await vi.waitFor(() => expect(tabs.refused).toBe(1));
    expect(service.to(`POST ${API}/jobs/${A}/uploads`)).toHaveLength(0);
    first.answers(400, "<Error><Code>EntityTooLarge</Code></Error>");
    await vi.waitFor(() => expect(tabs.held).toBe(0));

    await loads();
    await store.resume();
    (await uploadNumber(1)).answers(204);
    await vi.waitFor(() => expect(entry().sent).toEqual({ photo: 1 }));
    expect(exchanges).toHaveLength(2);
  });

  test("open jobs of another device are followed, too; those that ended are history", async () => {
    service.routes[`GET ${API}/jobs`] = () =>
      json({ jobs: [jobIn("running", 4), jobIn("completed", 9, { job_id: B })] });
    await store.resume();
    expect(Object.keys(store.useJobs.getState().entries)).toEqual([A]);
    expect((await socketNumber(0)).heard).toEqual([{ action: "subscribe", job_id: A, after_seq: 4 }]);
  });

  test("a job whose answer comes after signing out is nobody's here, and the same job for who sends the draft again", async () => {
    let answer: (response: Response) => void = () => {};
    service.routes[`POST ${API}/jobs`] = () => new Promise((resolve) => (answer = resolve));
    const draft = photoDraft();
    const submitted = store.submit(draft);
    const refused = expect(submitted).rejects.toMatchObject({ code: "unauthorized" });
    await vi.waitFor(() => expect(service.to(`POST ${API}/jobs`)).toHaveLength(1));
    await session.useSession.getState().signOut();
    answer(json({ job: waiting(), uploads: { photo: FORM } }, 201));
    await refused;
    expect(store.useJobs.getState().entries).toEqual({});
    expect(exchanges).toHaveLength(0);

    await session.useSession.getState().signIn("ann", "secret");
    answersCreate();
    await store.submit(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(1);
  });

  test("nobody finds the jobs of who signed out", async () => {
    answersCreate(jobIn("running", 2), {});
    await store.submit(photoDraft());
    await session.useSession.getState().signOut();
    expect(store.useJobs.getState().entries).toEqual({});
    expect(Object.keys(localStorage).filter((key) => key.startsWith("darkroom.open"))).toEqual([]);
  });
});
