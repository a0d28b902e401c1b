import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { ServiceError } from "@/service/error";
import { JobUpdates } from "@/service/job-updates";
import { FakeSocket, idOf, jobIn, setOnline, upload } from "./fakes";

const A = idOf("a");
const B = idOf("b");

let sockets: FakeSocket[];
let reported: Job[];
let connections: string[];
let errors: string[];
let serverJobs: Map<string, Job>;
let knownJobs: Map<string, Job>;
let fetches: string[];
let socketUrl: () => Promise<string>;
let expiries: string[];
let updates: JobUpdates;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  sockets = [];
  reported = [];
  connections = [];
  errors = [];
  fetches = [];
  expiries = [];
  serverJobs = new Map();
  knownJobs = new Map();
  socketUrl = async () => "wss://socket.example.com/live?token=t";
  updates = new JobUpdates({
    socketUrl: () => socketUrl(),
    openSocket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    onTokenExpired: () => expiries.push("token"),
    async fetchJob(jobId) {
      fetches.push(jobId);
      const job = serverJobs.get(jobId);
      if (job === undefined) throw new ServiceError("unreachable", "Nobody there.", { retryable: true });
      return job;
    },
    knownJob: (jobId) => knownJobs.get(jobId),
    onJob: (job) => reported.push(job),
    onError: (jobId, { code }) => errors.push(`${jobId}: ${code}`),
    onConnectionChange: (connection) => connections.push(connection),
  });
});

afterEach(() => {
  updates.close();
  vi.useRealTimers();
});

const advance = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const states = () => reported.map(({ state, seq }) => `${state} ${seq}`);

async function openSocket(number = 0): Promise<FakeSocket> {
  await advance(0);
  const socket = sockets[number];
  if (socket === undefined) throw new Error(`there is no socket ${number}`);
  socket.open();
  return socket;
}

const subscription = (jobId: string, seq: number) => ({ action: "subscribe", job_id: jobId, after_seq: seq });

test("two jobs share one socket, each after its last seq", async () => {
  updates.subscribe(A, 3);
  updates.subscribe(B, 1);
  const socket = await openSocket();
  expect(sockets).toHaveLength(1);
  expect(socket.sentMessages).toEqual([subscription(A, 3), subscription(B, 1)]);
  socket.receiveJob(jobIn("running", 4));
  socket.receiveJob(jobIn("queued", 2, { job_id: B }));
  socket.receiveJob(jobIn("completed", 5));
  expect(states()).toEqual(["running 4", "queued 2", "completed 5"]);
  expect(updates.isSubscribed(A)).toBe(false);
  expect(updates.isSubscribed(B)).toBe(true);
});

test("a lost socket reconnects at once and resumes after the newest seq", async () => {
  updates.subscribe(A, 1);
  const first = await openSocket();
  first.receiveJob(jobIn("running", 4));
  first.disconnect();
  const second = await openSocket(1);
  expect(second.sentMessages).toEqual([subscription(A, 4)]);
  second.receiveJob(jobIn("running", 4));
  second.receiveJob(jobIn("running", 6));
  second.receiveJob(jobIn("completed", 7));
  expect(states()).toEqual(["running 4", "running 6", "completed 7"]);
});

test("an expired token is reported before a new socket is opened, and no state is missed", async () => {
  const tokens: number[] = [];
  socketUrl = async () => {
    tokens.push(expiries.length);
    return "wss://socket.example.com/live?token=t";
  };
  updates.subscribe(A, 1);
  const first = await openSocket();
  first.receiveJob(jobIn("running", 4));
  first.receive({ type: "error", error: { code: "unauthorized", message: "expired" }, job_id: null });
  first.receiveJob(jobIn("running", 5));
  first.disconnect();
  const second = await openSocket(1);
  expect(tokens).toEqual([0, 1]);
  expect(first.closed).toBe(true);
  expect(second.sentMessages).toEqual([subscription(A, 4)]);
  second.receiveJob(jobIn("completed", 6));
  expect(states()).toEqual(["running 4", "completed 6"]);
  expect(sockets).toHaveLength(2);
});

test("late, duplicate, invalid and unrelated messages change nothing", async () => {
  updates.subscribe(A, 1);
  const socket = await openSocket();
  socket.receiveJob(jobIn("running", 5));
  socket.receiveJob(jobIn("running", 5));
  socket.receiveJob(jobIn("queued", 2));
  socket.receiveJob(jobIn("running", 9, { job_id: B }));
  socket.receive({ type: "job", job: { job_id: A } });
  socket.receive({ type: "news from a newer service" });
  socket.receiveJob(jobIn("failed", 6));
  socket.receiveJob(jobIn("running", 7));
  expect(states()).toEqual(["running 5", "failed 6"]);
});

describe("a long message", () => {
  const shortened = (job: Job, ...omitted: string[]) => ({ type: "job", job: { ...job, params: {} }, omitted });
  const photo = (url: string | null) => ({ photo: upload({ received: true, url }) });

  test("is completed with the params and the links of inputs that are known", async () => {
    knownJobs.set(A, jobIn("queued", 3, { params: { scale: 3 }, uploads: photo("https://x/photo?1") }));
    updates.subscribe(A, 3);
    const socket = await openSocket();
    socket.receive(shortened(jobIn("running", 4, { uploads: photo(null) }), "uploads.url", "params"));
    await advance(0);
    expect(reported).toEqual([jobIn("running", 4, { params: { scale: 3 }, uploads: photo("https://x/photo?1") })]);
    expect(fetches).toEqual([]);
  });

  test.each([
    ["of a job that has ended", jobIn("completed", 4), "result.url"],
    ["of a part that is not known", jobIn("running", 4), "timeline"],
    ["of a later version", jobIn("running", 4), "something new"],
  ])("%s is completed by a request", async (_, job, omitted) => {
    knownJobs.set(A, jobIn("queued", 3));
    updates.subscribe(A, 3);
    const socket = await openSocket();
    serverJobs.set(A, job);
    socket.receive(shortened(job, omitted));
    await advance(0);
    expect(fetches).toEqual([A]);
    expect(reported).toEqual([job]);
    expect(sockets).toHaveLength(1);
  });

  test("is not lost if the request fails: it is repeated like a poll", async () => {
    updates.subscribe(A, 3);
    const socket = await openSocket();
    socket.receive(shortened(jobIn("completed", 4), "params"));
    await advance(0);
    expect(fetches).toEqual([A]);
    expect(reported).toEqual([]);
    serverJobs.set(A, jobIn("completed", 4, { params: { scale: 3 } }));
    await advance(3_000);
    expect(reported).toEqual([jobIn("completed", 4, { params: { scale: 3 } })]);
    expect(updates.isSubscribed(A)).toBe(false);
  });

  test("that comes late is ignored", async () => {
    updates.subscribe(A, 3);
    const socket = await openSocket();
    socket.receive(shortened(jobIn("running", 3), "params"));
    await advance(0);
    expect(fetches).toEqual([]);
  });
});

test("without a socket jobs are polled, and reconnects back off", async () => {
  socketUrl = () => Promise.reject(new ServiceError("unreachable", "Nobody there."));
  serverJobs.set(A, jobIn("running", 2));
  updates.subscribe(A, 1);
  await advance(2_000);
  expect(states()).toEqual(["running 2"]);
  expect(connections).toEqual(["connecting", "polling"]);
  serverJobs.set(A, jobIn("running", 3));
  await advance(2_000);
  expect(states()).toEqual(["running 2", "running 3"]);

  const tries: number[] = [];
  socketUrl = () => {
    tries.push(Date.now());
    return Promise.reject(new ServiceError("unreachable", "Nobody there."));
  };
  await advance(200_000);
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(gaps.slice(0, 3)).toEqual([...gaps.slice(0, 3)].sort((one, other) => one - other));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(31_000);
  serverJobs.set(A, jobIn("completed", 9));
  await advance(2_000);
  expect(states().at(-1)).toBe("completed 9");
});

test("offline, nothing is requested until the browser is online", async () => {
  updates.subscribe(A, 1);
  const first = await openSocket();
  setOnline(false);
  first.disconnect();
  expect(connections.at(-1)).toBe("offline");
  await advance(20_000);
  expect(sockets).toHaveLength(1);
  expect(fetches).toEqual([]);
  setOnline(true);
  const second = await openSocket(1);
  expect(second.sentMessages).toEqual([subscription(A, 1)]);
  expect(connections.at(-1)).toBe("live");
});

test("a dead socket is detected when the page becomes visible", async () => {
  serverJobs.set(A, jobIn("running", 5));
  updates.subscribe(A, 1);
  const first = await openSocket();
  await advance(5_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await advance(0);
  expect(states()).toEqual(["running 5"]);
  expect(first.sentMessages.at(-1)).toEqual({ action: "ping" });
  await advance(11_000);
  expect(first.closed).toBe(true);
  const second = await openSocket(1);
  expect(second.sentMessages).toEqual([subscription(A, 5)]);
});

test("a clock jump, as after sleep, fetches at once", async () => {
  updates.subscribe(A, 1);
  await openSocket();
  serverJobs.set(A, jobIn("completed", 8));
  vi.setSystemTime(Date.now() + 3_600_000);
  await advance(1_000);
  expect(states()).toEqual(["completed 8"]);
});

test("an answered ping keeps the socket; it is sent every four minutes", async () => {
  serverJobs.set(A, jobIn("running", 1));
  updates.subscribe(A, 1);
  const socket = await openSocket();
  for (let minute = 0; minute < 4; minute++) {
    await advance(60_000);
    socket.receive({ type: "subscribed", job_id: A, seq: 1 });
  }
  await advance(1_000);
  expect(socket.sentMessages.filter(({ action }) => action === "ping")).toHaveLength(1);
  socket.receive({ type: "pong" });
  await advance(20_000);
  expect(sockets).toHaveLength(1);
});

test("after half a minute of silence jobs are fetched, and a socket that missed a change is replaced", async () => {
  serverJobs.set(A, jobIn("running", 1));
  updates.subscribe(A, 1);
  const first = await openSocket();
  await advance(31_000);
  expect(fetches).toEqual([A]);
  expect(first.closed).toBe(false);
  serverJobs.set(A, jobIn("running", 3));
  await advance(31_000);
  expect(states()).toEqual(["running 3"]);
  expect(first.closed).toBe(true);
  expect((await openSocket(1)).sentMessages).toEqual([subscription(A, 3)]);
});

test("a socket that does not open in time is dropped", async () => {
  serverJobs.set(A, jobIn("running", 2));
  updates.subscribe(A, 1);
  await advance(11_000);
  expect(sockets.length).toBeGreaterThan(1);
  expect(sockets[0]?.closed).toBe(true);
  expect(states()).toEqual(["running 2"]);
});

describe("an error message", () => {
  test("for an unknown job ends that subscription only", async () => {
    updates.subscribe(A, 1);
    updates.subscribe(B, 1);
    const socket = await openSocket();
    serverJobs.set(A, jobIn("running", 1));
    vi.spyOn(serverJobs, "get").mockImplementation(() => {
      throw new ServiceError("not_found", "You have no job with this id.", { status: 404 });
    });
    socket.receive({
      type: "error",
      job_id: A,
      error: { code: "not_found", message: "You have no job with this id." },
    });
    await advance(0);
    expect(errors).toEqual([`${A}: not_found`]);
    expect(updates.isSubscribed(A)).toBe(false);
    expect(updates.isSubscribed(B)).toBe(true);
    expect(socket.closed).toBe(false);
  });

  test("of the gateway replaces the socket", async () => {
    updates.subscribe(A, 1);
    const socket = await openSocket();
    socket.receive({ message: "Internal server error", connectionId: "x", requestId: "y" });
    expect(socket.closed).toBe(true);
    expect((await openSocket(1)).sentMessages).toEqual([subscription(A, 1)]);
  });
});

test("a state from another response is not reported again", async () => {
  updates.subscribe(A, 1);
  const socket = await openSocket();
  updates.recordState(jobIn("cancelled", 4));
  socket.receiveJob(jobIn("cancelled", 4));
  expect(reported).toEqual([]);
  expect(updates.isSubscribed(A)).toBe(false);
});

test("an idle socket is closed after a minute", async () => {
  updates.subscribe(A, 1);
  const socket = await openSocket();
  socket.receiveJob(jobIn("completed", 2));
  await advance(30_000);
  expect(socket.closed).toBe(false);
  updates.subscribe(B, 1);
  expect(socket.sentMessages.at(-1)).toEqual(subscription(B, 1));
  socket.receiveJob(jobIn("failed", 2, { job_id: B }));
  await advance(61_000);
  expect(socket.closed).toBe(true);
  expect(connections.at(-1)).toBe("live");
});

test("a clock set back delays nothing", async () => {
  updates.subscribe(A, 1);
  (await openSocket()).disconnect();
  await advance(0);
  sockets[1]?.disconnect();
  await advance(0);
  sockets[2]?.disconnect();
  const before = sockets.length;
  vi.setSystemTime(Date.now() - 3_600_000);
  serverJobs.set(A, jobIn("completed", 7));
  await advance(3_000);
  expect(sockets.length).toBeGreaterThan(before);
  expect(states()).toEqual(["completed 7"]);
});
