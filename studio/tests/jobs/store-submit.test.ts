import { describe, expect, test } from "vitest";
import type { Job } from "@/contract/types";
import { requests } from "../service/fake-xhr";
import { API, jobIn, jsonResponse, problemResponse, upload } from "../service/fakes";
import {
  A,
  B,
  entry,
  FILE,
  FORM,
  lastBody,
  photoDraft,
  picture,
  respondToCreate,
  service,
  socketNumber,
  sockets,
  store,
  uploadNumber,
  waitingJob,
} from "./store-fixture";

describe("a submitted draft", () => {
  test("becomes a job with an upload, updated over the socket", async () => {
    respondToCreate();
    expect(await store.submitJob(photoDraft())).toBe(A);
    const body = await lastBody(`POST ${API}/jobs`);
    expect(body).toMatchObject({ kind: "upscale", params: { scale: 3 }, allow_preview: false, cache: true });
    expect(body).not.toHaveProperty("engine");
    expect(body.uploads.photo).toMatchObject({ content_type: "image/jpeg", size: FILE.size });
    expect(body.uploads.photo.sha256).toMatch(/^[0-9a-f]{64}$/);
    const file = await uploadNumber(0);
    file.progress(1, 2);
    expect(entry().uploadProgress).toEqual({ photo: 0.5 });
    file.respond(204);
    const socket = await socketNumber(0);
    expect(socket.url).toMatch(/^wss:\/\/socket\.example\.com\/live\?token=ey/);
    expect(socket.sentMessages).toEqual([{ action: "subscribe", job_id: A, after_seq: 1 }]);
    socket.receiveJob(jobIn("queued", 2));
    socket.receiveJob(jobIn("running", 4));
    socket.receiveJob(jobIn("queued", 3));
    expect(entry().job).toMatchObject({ state: "running", seq: 4 });
    expect(store.useJobs.getState().connection).toBe("live");
    socket.receiveJob(jobIn("completed", 6));
    socket.receiveJob(jobIn("running", 7));
    expect(entry().job).toMatchObject({ state: "completed", seq: 6 });
  });

  test("with a cached result uploads nothing", async () => {
    respondToCreate(jobIn("completed", 1, { cached: true }), {});
    await store.submitJob(photoDraft());
    expect(entry().job.cached).toBe(true);
    expect(requests).toHaveLength(0);
    expect(sockets).toHaveLength(0);
  });

  test("is one job if submitted twice at once, and another if submitted again later", async () => {
    respondToCreate();
    const draft = photoDraft();
    await Promise.all([store.submitJob(draft), store.submitJob(draft)]);
    expect(service.to(`POST ${API}/jobs`)).toHaveLength(1);
    await store.submitJob(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(2);
  });

  test("is resubmitted with the same key after a lost response", async () => {
    const draft = photoDraft();
    await expect(store.submitJob(draft)).rejects.toMatchObject({ code: "unreachable" });
    respondToCreate();
    await store.submitJob(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys.length).toBeGreaterThan(1);
    expect(new Set(keys).size).toBe(1);
  });

  test("that is rejected throws the reason and stays unchanged", async () => {
    service.routes[`POST ${API}/jobs`] = () => problemResponse(429, "rate_limited", {}, { "Retry-After": "12" });
    const draft = photoDraft();
    const before = structuredClone({ ...draft, inputs: {} });
    await expect(store.submitJob(draft)).rejects.toMatchObject({ code: "rate_limited", retryAfter: 12 });
    expect({ ...draft, inputs: {} }).toEqual(before);
    expect(draft.inputs.photo).toMatchObject({ file: FILE });
    expect(store.useJobs.getState().entries).toEqual({});
  });

  test("refers to library pictures and avatars by name", async () => {
    respondToCreate(jobIn("queued", 1), {});
    await store.submitJob(
      photoDraft({
        kind: "face_swap",
        inputs: {
          source: { type: "avatar", name: "amara", url: "data:," },
          target: {
            type: "asset",
            asset: {
              asset_id: B,
              state: "ready",
              content_type: "image/png",
              created_at: "",
              name: null,
              width: null,
              height: null,
              size: null,
              sha256: null,
              error: null,
              url: null,
              newer_version: false,
              source: { type: "upload", job_id: null, picture: null, role: null },
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

describe("a draft of an earlier job", () => {
  const same = { photo: { type: "same", job_id: B, role: "photo", url: null } } as const;
  const earlier = (over: Partial<Job> = {}) => {
    service.routes[`GET ${API}/jobs/${B}`] = () =>
      jsonResponse(jobIn("completed", 9, { job_id: B, params: { scale: 2, content: "anime", format: null }, ...over }));
  };

  test("with changed params is a rerun without uploads, and removed params are reset", async () => {
    earlier();
    service.routes[`POST ${API}/jobs/${B}/rerun`] = () => jsonResponse({ job: jobIn("queued", 1), uploads: {} }, 201);
    await store.submitJob(photoDraft({ inputs: same, params: { scale: 4 } }));
    expect((await lastBody(`POST ${API}/jobs/${B}/rerun`)).params).toEqual({
      scale: 4,
      content: "photo",
      format: expect.anything(),
    });
    expect(requests).toHaveLength(0);
  });

  test("with one new file reuses the other inputs", async () => {
    earlier({
      kind: "inpaint",
      uploads: { photo: upload({ received: true, url: "https://bucket.example.com/old" }) },
    });
    service.routes["GET https://bucket.example.com/old"] = () => new Response("an old photo");
    respondToCreate(waitingJob(), { photo: FORM, mask: FORM });
    await store.submitJob(photoDraft({ kind: "inpaint", inputs: { ...same, mask: picture } }));
    const { uploads } = await lastBody(`POST ${API}/jobs`);
    expect(uploads.photo).toMatchObject({ content_type: "image/jpeg", size: 12 });
    await uploadNumber(1);
  });

  test("whose file is gone names the role to choose again", async () => {
    earlier({ kind: "inpaint", uploads: { photo: upload({ received: true }) } });
    const draft = photoDraft({ kind: "inpaint", inputs: { ...same, mask: { type: "avatar", name: "x", url: "" } } });
    await expect(store.submitJob(draft)).rejects.toMatchObject({
      code: "choose_again",
      errors: [{ field: "uploads.photo" }],
    });
  });
});
