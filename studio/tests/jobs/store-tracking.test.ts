import { describe, expect, test, vi } from "vitest";
import { requests } from "../service/fake-xhr";
import { API, jobIn, jsonResponse, problemResponse } from "../service/fakes";
import {
  A,
  B,
  entry,
  FORM,
  POOL,
  photoDraft,
  reload,
  respondToCreate,
  service,
  session,
  socketNumber,
  store,
  waitingJob,
} from "./store-fixture";

test("a cancellation after the end fetches the final state", async () => {
  respondToCreate(jobIn("running", 3), {});
  await store.submitJob(photoDraft());
  service.routes[`DELETE ${API}/jobs/${A}`] = () => problemResponse(409, "conflict");
  service.routes[`GET ${API}/jobs/${A}`] = () => jsonResponse(jobIn("completed", 6));
  await store.cancel(A);
  expect(entry().job.state).toBe("completed");
});

test("presigned URLs are refreshed without a newer state", async () => {
  respondToCreate(jobIn("completed", 4, { cached: true }), {});
  await store.submitJob(photoDraft());
  service.routes[`GET ${API}/jobs/${A}`] = () => jsonResponse(jobIn("completed", 4, { message: "with fresh links" }));
  await store.refresh(A);
  expect(entry().job.message).toBe("with fresh links");
  delete service.routes[`GET ${API}/jobs/${A}`];
  await store.refresh(A);
  expect(entry().job.message).toBe("with fresh links");
});

test("a fetched job is tracked; an unknown one is an error", async () => {
  service.routes[`GET ${API}/jobs/${B}`] = () => jsonResponse(jobIn("running", 3, { job_id: B }));
  service.routes[`GET ${API}/jobs/${A}`] = () => problemResponse(404, "not_found");
  await store.trackJob(B);
  expect((await socketNumber(0)).sentMessages).toEqual([{ action: "subscribe", job_id: B, after_seq: 3 }]);
  await expect(store.trackJob(A)).rejects.toMatchObject({ code: "not_found" });
});

test("a socket whose token has expired is replaced by one with a new token", async () => {
  respondToCreate(jobIn("running", 3), {});
  await store.submitJob(photoDraft());
  const first = await socketNumber(0);
  const before = service.to(POOL).length;
  first.receive({ type: "error", error: { code: "unauthorized", message: "expired" }, job_id: null });
  const second = await socketNumber(1);
  expect(service.to(POOL).length).toBe(before + 1);
  expect(second.sentMessages).toEqual([{ action: "subscribe", job_id: A, after_seq: 3 }]);
});

describe("after a reload", () => {
  test("tracking resumes after the last known state, each state once", async () => {
    respondToCreate(jobIn("queued", 2), {});
    await store.submitJob(photoDraft());
    const first = await socketNumber(0);
    first.receiveJob(
      jobIn("running", 5, { preview: { key: "k", width: 1, height: 1, url: "https://x/", draft: false } }),
    );

    await reload();
    await store.resume();
    expect(entry().job).toMatchObject({ state: "running", seq: 5, preview: null });
    const second = await socketNumber(1);
    expect(second.sentMessages).toEqual([{ action: "subscribe", job_id: A, after_seq: 5 }]);
    second.receiveJob(jobIn("running", 5));
    second.receiveJob(jobIn("completed", 8));
    expect(entry().job.seq).toBe(8);

    await reload();
    await store.resume();
    expect(store.useJobs.getState().entries).toEqual({});
  });

  test("open jobs of other devices are tracked; ended ones are not", async () => {
    service.routes[`GET ${API}/jobs`] = () =>
      jsonResponse({ jobs: [jobIn("running", 4), jobIn("completed", 9, { job_id: B })] });
    await store.resume();
    expect(Object.keys(store.useJobs.getState().entries)).toEqual([A]);
    expect((await socketNumber(0)).sentMessages).toEqual([{ action: "subscribe", job_id: A, after_seq: 4 }]);
  });

  test("a job created after the sign-out is not tracked, and resubmitting uses the same key", async () => {
    let answer: (response: Response) => void = () => {};
    service.routes[`POST ${API}/jobs`] = () => new Promise((resolve) => (answer = resolve));
    const draft = photoDraft();
    const submitted = store.submitJob(draft);
    const refused = expect(submitted).rejects.toMatchObject({ code: "unauthorized" });
    await vi.waitFor(() => expect(service.to(`POST ${API}/jobs`)).toHaveLength(1));
    await session.useSession.getState().signOut();
    answer(jsonResponse({ job: waitingJob(), uploads: { photo: FORM } }, 201));
    await refused;
    expect(store.useJobs.getState().entries).toEqual({});
    expect(requests).toHaveLength(0);

    await session.useSession.getState().signIn("ann", "secret");
    respondToCreate();
    await store.submitJob(draft);
    const keys = service.to(`POST ${API}/jobs`).map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(1);
  });

  test("signing out removes the user's jobs", async () => {
    respondToCreate(jobIn("running", 2), {});
    await store.submitJob(photoDraft());
    await session.useSession.getState().signOut();
    expect(store.useJobs.getState().entries).toEqual({});
    expect(Object.keys(localStorage).filter((key) => key.startsWith("darkroom.open"))).toEqual([]);
  });
});
