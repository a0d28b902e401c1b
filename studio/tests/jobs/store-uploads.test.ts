import { describe, expect, test, vi } from "vitest";
import { requests } from "../service/fake-xhr";
import { API, jobIn, jsonResponse } from "../service/fakes";
import {
  A,
  entry,
  FORM,
  photoDraft,
  reload,
  respondToCreate,
  service,
  store,
  uploadNumber,
  waitingJob,
} from "./store-fixture";

/** Web Locks shared by all tabs, with the number of held locks and of refused requests. */
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

describe("an upload", () => {
  const refuse = async () => {
    respondToCreate();
    await store.submitJob(photoDraft());
    (await uploadNumber(0)).respond(400, "<Error><Code>EntityTooLarge</Code><Message>too large</Message></Error>");
    await vi.waitFor(() => expect(entry().uploadError?.code).toBe("too_large"));
  };

  test("that S3 rejects leaves the job waiting and can be retried", async () => {
    await refuse();
    expect(entry().job.state).toBe("awaiting_upload");
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () =>
      jsonResponse({ job: waitingJob(), uploads: { photo: FORM } });
    await store.retryUploads(A);
    expect(entry().uploadError).toBeNull();
    (await uploadNumber(1)).respond(204);
    await vi.waitFor(() => expect(entry().uploadProgress).toEqual({ photo: 1 }));
  });

  test("whose presigned POST expired gets a renewed one", async () => {
    respondToCreate();
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () =>
      jsonResponse({ job: waitingJob(), uploads: { photo: FORM } });
    await store.submitJob(photoDraft());
    (await uploadNumber(0)).respond(403, "<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>");
    (await uploadNumber(1)).respond(204);
    await vi.waitFor(() => expect(entry().uploadProgress).toEqual({ photo: 1 }));
    expect(entry().uploadError).toBeNull();
  });

  test("stops when the job is cancelled", async () => {
    respondToCreate();
    await store.submitJob(photoDraft());
    const file = await uploadNumber(0);
    service.routes[`DELETE ${API}/jobs/${A}`] = () => jsonResponse(jobIn("cancelled", 2));
    await store.cancel(A);
    file.respond(204);
    expect(entry().job.state).toBe("cancelled");
    expect(entry().uploadError).toBeNull();
    expect(requests).toHaveLength(1);
  });
});

describe("uploads after a reload", () => {
  test("an interrupted upload restarts with the same file", async () => {
    respondToCreate();
    await store.submitJob(photoDraft());
    await uploadNumber(0);

    service.routes[`POST ${API}/jobs/${A}/uploads`] = () =>
      jsonResponse({ job: waitingJob(), uploads: { photo: FORM } });
    await reload();
    await store.resume();
    const again = await uploadNumber(1);
    const file = again.form.get("file");
    expect(file instanceof Blob && (await file.text())).toBe("a photo");
    again.respond(204);
    await vi.waitFor(() => expect(entry().uploadProgress).toEqual({ photo: 1 }));
  });

  test("an upload of another tab is left to it until that tab closes", async () => {
    const tabs = fakeLocks();
    respondToCreate();
    service.routes[`POST ${API}/jobs/${A}/uploads`] = () =>
      jsonResponse({ job: waitingJob(), uploads: { photo: FORM } });
    await store.submitJob(photoDraft());
    const first = await uploadNumber(0);

    await reload();
    await store.resume();
    await vi.waitFor(() => expect(tabs.refused).toBe(1));
    expect(service.to(`POST ${API}/jobs/${A}/uploads`)).toHaveLength(0);
    first.respond(400, "<Error><Code>EntityTooLarge</Code></Error>");
    await vi.waitFor(() => expect(tabs.held).toBe(0));

    await reload();
    await store.resume();
    (await uploadNumber(1)).respond(204);
    await vi.waitFor(() => expect(entry().uploadProgress).toEqual({ photo: 1 }));
    expect(requests).toHaveLength(2);
  });
});
