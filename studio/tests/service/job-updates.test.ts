import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Job } from "@/contract/types";
import { ServiceError } from "@/service/error";
import { JobUpdates } from "@/service/job-updates";
import { FakeSocket, idOf, jobIn, setOnline } from "./fakes";

const A = idOf("a");
const B = idOf("b");

let sockets: FakeSocket[];
let seen: Job[];
let connections: string[];
let errors: string[];
let now: Map<string, Job>;
let fetches: string[];
let address: () => Promise<string>;
let updates: JobUpdates;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  sockets = [];
  seen = [];
  connections = [];
  errors = [];
  fetches = [];
  now = new Map();
  address = async () => "wss://socket.example.com/live?token=t";
  updates = new JobUpdates({
    socketUrl: () => address(),
    openSocket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    async fetchJob(jobId) {
      fetches.push(jobId);
      const job = now.get(jobId);
      if (job === undefined) throw new ServiceError("unreachable", "Nobody there.", { retryable: true });
      return job;
    },
    onJob: (job) => seen.push(job),
    onError: (jobId, { code }) => errors.push(`${jobId}: ${code}`),
    onConnectionChange: (connection) => connections.push(connection),
  });
});

afterEach(() => {
  updates.close();
  vi.useRealTimers();
});

const after = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const states = () => seen.map(({ state, seq }) => `${state} ${seq}`);

async function connected(number = 0): Promise<FakeSocket> {
  await after(0);
  const socket = sockets[number];
  if (socket === undefined) throw new Error(`there is no socket ${number}`);
  socket.opens();
  return socket;
}

const subscription = (jobId: string, seq: number) => ({ action: "subscribe", job_id: jobId, after_seq: seq });

test("two jobs share one socket, each after its last seq", async () => {
  updates.subscribe(A, 3);
  updates.subscribe(B, 1);
  const socket = await connected();
  expect(sockets).toHaveLength(1);
  expect(socket.heard).toEqual([subscription(A, 3), subscription(B, 1)]);
  socket.tells(jobIn("running", 4));
  socket.tells(jobIn("queued", 2, { job_id: B }));
  socket.tells(jobIn("completed", 5));
  expect(states()).toEqual(["running 4", "queued 2", "completed 5"]);
  expect(updates.isSubscribed(A)).toBe(false);
  expect(updates.isSubscribed(B)).toBe(true);
});

test("a lost socket reconnects at once and resumes after the newest seq", async () => {
  updates.subscribe(A, 1);
  const first = await connected();
  first.tells(jobIn("running", 4));
  first.breaks();
  const second = await connected(1);
  expect(second.heard).toEqual([subscription(A, 4)]);
  second.tells(jobIn("running", 4));
  second.tells(jobIn("running", 6));
  second.tells(jobIn("completed", 7));
  expect(states()).toEqual(["running 4", "running 6", "completed 7"]);
});

test("late, duplicate, invalid and unrelated messages change nothing", async () => {
  updates.subscribe(A, 1);
  const socket = await connected();
  socket.tells(jobIn("running", 5));
  socket.tells(jobIn("running", 5));
  socket.tells(jobIn("queued", 2));
  socket.tells(jobIn("running", 9, { job_id: B }));
  socket.says({ type: "job", job: { job_id: A } });
  socket.says({ type: "news from a newer service" });
  socket.tells(jobIn("failed", 6));
  socket.tells(jobIn("running", 7));
  expect(states()).toEqual(["running 5", "failed 6"]);
});

test("without a socket jobs are polled, and reconnects back off", async () => {
  address = () => Promise.reject(new ServiceError("unreachable", "Nobody there."));
  now.set(A, jobIn("running", 2));
  updates.subscribe(A, 1);
  await after(2_000);
  expect(states()).toEqual(["running 2"]);
  expect(connections).toEqual(["connecting", "polling"]);
  now.set(A, jobIn("running", 3));
  await after(2_000);
  expect(states()).toEqual(["running 2", "running 3"]);

  const tries: number[] = [];
  address = () => {
    tries.push(Date.now());
    return Promise.reject(new ServiceError("unreachable", "Nobody there."));
  };
  await after(200_000);
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(gaps.slice(0, 3)).toEqual([...gaps.slice(0, 3)].sort((one, other) => one - other));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(31_000);
  now.set(A, jobIn("completed", 9));
  await after(2_000);
  expect(states().at(-1)).toBe("completed 9");
});

test("offline, nothing is requested until the browser is online", async () => {
  updates.subscribe(A, 1);
  const first = await connected();
  setOnline(false);
  first.breaks();
  expect(connections.at(-1)).toBe("offline");
  await after(20_000);
  expect(sockets).toHaveLength(1);
  expect(fetches).toEqual([]);
  setOnline(true);
  const second = await connected(1);
  expect(second.heard).toEqual([subscription(A, 1)]);
  expect(connections.at(-1)).toBe("live");
});

test("a dead socket is detected when the page becomes visible", async () => {
  now.set(A, jobIn("running", 5));
  updates.subscribe(A, 1);
  const first = await connected();
  await after(5_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await after(0);
  expect(states()).toEqual(["running 5"]);
  expect(first.heard.at(-1)).toEqual({ action: "ping" });
  await after(11_000);
  expect(first.closed).toBe(true);
  const second = await connected(1);
  expect(second.heard).toEqual([subscription(A, 5)]);
});

test("a clock jump, as after sleep, fetches at once", async () => {
  updates.subscribe(A, 1);
  await connected();
  now.set(A, jobIn("completed", 8));
  vi.setSystemTime(Date.now() + 3_600_000);
  await after(1_000);
  expect(states()).toEqual(["completed 8"]);
});

test("an answered ping keeps the socket; it is sent every four minutes", async () => {
  now.set(A, jobIn("running", 1));
  updates.subscribe(A, 1);
  const socket = await connected();
  for (let minute = 0; minute < 4; minute++) {
    await after(60_000);
    socket.says({ type: "subscribed", job_id: A, seq: 1 });
  }
  await after(1_000);
  expect(socket.heard.filter(({ action }) => action === "ping")).toHaveLength(1);
  socket.says({ type: "pong" });
  await after(20_000);
  expect(sockets).toHaveLength(1);
});

test("after half a minute of silence jobs are fetched, and a socket that missed a change is replaced", async () => {
  now.set(A, jobIn("running", 1));
  updates.subscribe(A, 1);
  const first = await connected();
  await after(31_000);
  expect(fetches).toEqual([A]);
  expect(first.closed).toBe(false);
  now.set(A, jobIn("running", 3));
  await after(31_000);
  expect(states()).toEqual(["running 3"]);
  expect(first.closed).toBe(true);
  expect((await connected(1)).heard).toEqual([subscription(A, 3)]);
});

test("a socket that does not open in time is dropped", async () => {
  now.set(A, jobIn("running", 2));
  updates.subscribe(A, 1);
  await after(11_000);
  expect(sockets.length).toBeGreaterThan(1);
  expect(sockets[0]?.closed).toBe(true);
  expect(states()).toEqual(["running 2"]);
});

describe("an error message", () => {
  test("for an unknown job ends that subscription only", async () => {
    updates.subscribe(A, 1);
    updates.subscribe(B, 1);
    const socket = await connected();
    now.set(A, jobIn("running", 1));
    vi.spyOn(now, "get").mockImplementation(() => {
      throw new ServiceError("not_found", "You have no job with this id.", { status: 404 });
    });
    socket.says({ type: "error", job_id: A, error: { code: "not_found", message: "You have no job with this id." } });
    await after(0);
    expect(errors).toEqual([`${A}: not_found`]);
    expect(updates.isSubscribed(A)).toBe(false);
    expect(updates.isSubscribed(B)).toBe(true);
    expect(socket.closed).toBe(false);
  });

  test("of the gateway replaces the socket", async () => {
    updates.subscribe(A, 1);
    const socket = await connected();
    socket.says({ message: "Internal server error", connectionId: "x", requestId: "y" });
    expect(socket.closed).toBe(true);
    expect((await connected(1)).heard).toEqual([subscription(A, 1)]);
  });
});

test("a state from another response is not reported again", async () => {
  updates.subscribe(A, 1);
  const socket = await connected();
  updates.recordState(jobIn("cancelled", 4));
  socket.tells(jobIn("cancelled", 4));
  expect(seen).toEqual([]);
  expect(updates.isSubscribed(A)).toBe(false);
});

test("an idle socket is closed after a minute", async () => {
  updates.subscribe(A, 1);
  const socket = await connected();
  socket.tells(jobIn("completed", 2));
  await after(30_000);
  expect(socket.closed).toBe(false);
  updates.subscribe(B, 1);
  expect(socket.heard.at(-1)).toEqual(subscription(B, 1));
  socket.tells(jobIn("failed", 2, { job_id: B }));
  await after(61_000);
  expect(socket.closed).toBe(true);
  expect(connections.at(-1)).toBe("live");
});

test("a clock set back delays nothing", async () => {
  updates.subscribe(A, 1);
  (await connected()).breaks();
  await after(0);
  sockets[1]?.breaks();
  await after(0);
  sockets[2]?.breaks();
  const before = sockets.length;
  vi.setSystemTime(Date.now() - 3_600_000);
  now.set(A, jobIn("completed", 7));
  await after(3_000);
  expect(sockets.length).toBeGreaterThan(before);
  expect(states()).toEqual(["completed 7"]);
});
