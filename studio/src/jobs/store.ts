/** The jobs that this studio follows: asked for here or elsewhere, each as newly as is known. */
import { create } from "zustand";
import { type Job, type JobWithUploads, TERMINAL } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import { answered, api } from "@/service/api";
import { serviceNow } from "@/service/deployment";
import { ServiceError, toServiceError } from "@/service/error";
import { JobUpdates } from "@/service/job-updates";
import { onDeparture } from "@/service/local-data";
import { token, useSession } from "@/service/session";
import type { ConnectionStatus, SocketLike } from "@/service/websocket";
import * as submission from "./create-job";
import { learn, marked } from "./estimate";
import * as openJobs from "./open-jobs";
import * as files from "./pending-files";
import type { Entry } from "./tracked-job";
import { transfer } from "./upload-files";

interface Jobs {
  entries: Record<string, Entry>;
  connection: ConnectionStatus;
}

/** What is known of jobs, and how news of them arrives. */
export const useJobs = create<Jobs>()(() => ({ entries: {}, connection: "live" }));

const OPEN_LISTED = 50;

/** How sockets are opened; tests put another way here. */
export const sockets = { open: (url: string): SocketLike => new WebSocket(url) };

const jobUpdates = new JobUpdates({
  async socketUrl() {
    const url = new URL(serviceNow().config.socket_url);
    url.searchParams.set("token", await token());
    return url.href;
  },
  openSocket: (url) => sockets.open(url),
  fetchJob,
  onJob: apply,
  onError: forget,
  onConnectionChange: (connection) => useJobs.setState({ connection }),
});

/** A draft that is being sent; the key stays until it is known to have arrived, so that no draft becomes two jobs. */
const keys = new WeakMap<Draft, string>();
const sending = new Map<Draft, Promise<string>>();
const transfers = new Map<string, AbortController>();

/**
 * Ask for the job of a draft; its id. Its files follow while the job is shown: `sent` and `trouble` of the entry tell how
 * that goes. Throws `ServiceError`, after which nothing is lost and the same draft may be sent again.
 */
export function submit(draft: Draft): Promise<string> {
  const underWay = sending.get(draft);
  if (underWay !== undefined) return underWay;
  const work = place(draft).finally(() => sending.delete(draft));
  sending.set(draft, work);
  return work;
}

async function place(draft: Draft): Promise<string> {
  const key = keys.get(draft) ?? crypto.randomUUID();
  keys.set(draft, key);
  let submitted: submission.Submitted;
  try {
    submitted = await submission.send(draft, key);
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (!error.retryable) keys.delete(draft);
    throw error;
  }
  // Who signs in again and sends the same draft is given the same job.
  if (useSession.getState().username === null) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
  keys.delete(draft);
  return begin(submitted.created, submitted.files);
}

/** Ask for a job that ended once more, as it was; the new job's id, one for each `key`. Throws `ServiceError`. */
export async function rerun(jobId: string, key: string): Promise<string> {
  return begin(await submission.again(jobId, {}, key), {});
}

/** Have the files of a job that still waits for them sent again. What goes wrong shows in `trouble`. */
export async function retryUploads(jobId: string): Promise<void> {
  transfers.get(jobId)?.abort();
  const again = await reopen(jobId);
  if (again !== null) void alone(jobId, {}, () => send(...again));
}

/** Fresh forms for the files of a job, and the files; null when there is nothing to send, which then shows. */
async function reopen(jobId: string): Promise<[JobWithUploads, files.Files] | null> {
  patch(jobId, { trouble: null });
  try {
    const [created, kept] = await Promise.all([renewUploads(jobId), files.get(jobId)]);
    apply(created.job);
    return [created, kept];
  } catch (thrown) {
    const error = toServiceError(thrown);
    // It waits no longer: then how it stands is the news.
    if (error.code === "conflict") await refresh(jobId);
    else patch(jobId, { trouble: error });
    return null;
  }
}

/** Cancel a job. One that has ended meanwhile shows its end. Throws `ServiceError`. */
export async function cancel(jobId: string): Promise<void> {
  try {
    apply(await answered(api.DELETE("/jobs/{job_id}", at(jobId))));
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (error.code !== "conflict") throw error;
    await refresh(jobId);
  }
}

/** Know a job and follow it to its end. Throws `ServiceError` when it cannot be had. */
export async function watch(jobId: string): Promise<void> {
  if (useJobs.getState().entries[jobId] === undefined) apply(await fetchJob(jobId));
  follow(jobId);
}

/** A job with fresh links to its pictures: those of before end after a while. It stays as it is when nobody answers. */
export async function refresh(jobId: string): Promise<void> {
  const job = await fetchJob(jobId).catch(() => null);
  if (job !== null && !apply(job)) relink(job);
}

/** Know nothing of a job here any more; the service keeps it. */
export function forget(jobId: string): void {
  jobUpdates.unsubscribe(jobId);
  settle(jobId);
  useJobs.setState(({ entries: { [jobId]: _, ...others } }) => ({ entries: others }));
}

/**
 * Go on with the jobs that were open: those that this browser wrote down, from the state that it saw last, and those that
 * were asked for elsewhere. Uploads that were cut short begin again.
 */
export async function resume(): Promise<void> {
  const { username } = useSession.getState();
  if (username === null) return;
  for (const { job, startedAt } of openJobs.read(username)) {
    if (useJobs.getState().entries[job.job_id] === undefined) apply(job, startedAt);
    follow(job.job_id);
    void resend(job);
  }
  const listed = await answered(api.GET("/jobs", { params: { query: { limit: OPEN_LISTED } } })).catch(() => null);
  for (const job of listed?.jobs ?? []) meet(job);
}

/** A job of a list, wherever it was asked for: followed while it is open; one that ended before is history. */
export function meet(job: Job): void {
  if (useJobs.getState().entries[job.job_id] === undefined && TERMINAL.has(job.state)) return;
  apply(job);
  follow(job.job_id);
}

/** A state of a job that came from anywhere. True when it was news: states before the known one, and after the last, are none. */
export function apply(job: Job, startedAt = Date.now()): boolean {
  const { username } = useSession.getState();
  if (username === null) return false;
  const known = useJobs.getState().entries[job.job_id];
  if (known !== undefined && (job.seq <= known.job.seq || TERMINAL.has(known.job.state))) return false;
  const ended = TERMINAL.has(job.state);
  const entry: Entry = {
    sent: known?.sent ?? {},
    startedAt: known?.startedAt ?? startedAt,
    trouble: job.state === "awaiting_upload" ? (known?.trouble ?? null) : null,
    marks: marked(known?.marks ?? [], known?.job ?? null, job),
    job,
  };
  useJobs.setState(({ entries }) => ({ entries: { ...entries, [job.job_id]: entry } }));
  jobUpdates.recordState(job);
  if (job.state !== "awaiting_upload") settle(job.job_id);
  if (!ended) openJobs.write(username, entry);
  if (ended && known !== undefined) learn(job);
  return true;
}

function begin(created: JobWithUploads, given: files.Files): string {
  const { job } = created;
  apply(job);
  follow(job.job_id);
  void alone(job.job_id, {}, () => send(created, given));
  return job.job_id;
}

function follow(jobId: string): void {
  const job = useJobs.getState().entries[jobId]?.job;
  if (job !== undefined && !TERMINAL.has(job.state)) jobUpdates.subscribe(jobId, job.seq);
}

/** Nothing is to be sent for a job any more. */
function settle(jobId: string): void {
  transfers.get(jobId)?.abort();
  transfers.delete(jobId);
  openJobs.erase(jobId);
  void files.drop(jobId);
}

/** Begin the uploads of a job again that were cut short here, unless another tab is at it. */
async function resend(job: Job): Promise<void> {
  if (job.state !== "awaiting_upload" || transfers.has(job.job_id)) return;
  const kept = await files.get(job.job_id);
  if (Object.keys(kept).length === 0) return;
  await alone(job.job_id, { ifAvailable: true }, async () => {
    const again = await reopen(job.job_id);
    if (again !== null) await send(...again);
  });
}

/** Sends a job's files from one tab at a time, where browsers can tell: after the other, or not at all. */
async function alone(jobId: string, options: LockOptions, work: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return work();
  await navigator.locks.request(`darkroom.upload.${jobId}`, options, async (lock) => {
    if (lock !== null) await work();
  });
}

async function send({ job, uploads }: JobWithUploads, given: files.Files): Promise<void> {
  const jobId = job.job_id;
  const roles = Object.keys(uploads);
  if (roles.length === 0 || useJobs.getState().entries[jobId]?.job.state !== "awaiting_upload") return;
  transfers.get(jobId)?.abort();
  const stop = new AbortController();
  transfers.set(jobId, stop);
  patch(jobId, { sent: Object.fromEntries(roles.map((role) => [role, 0])), trouble: null });
  await files.put(jobId, given);
  try {
    await transfer(
      uploads,
      given,
      {
        onSent: (role, fraction) => {
          const sent = useJobs.getState().entries[jobId]?.sent;
          if (!stop.signal.aborted) patch(jobId, { sent: { ...sent, [role]: fraction } });
        },
        renew: () => renewUploads(jobId),
      },
      stop.signal,
    );
  } catch (thrown) {
    if (!stop.signal.aborted) patch(jobId, { trouble: toServiceError(thrown) });
  } finally {
    if (transfers.get(jobId) === stop) transfers.delete(jobId);
  }
}

function patch(jobId: string, changes: Partial<Entry>): void {
  useJobs.setState(({ entries }) => {
    const entry = entries[jobId];
    return entry === undefined ? {} : { entries: { ...entries, [jobId]: { ...entry, ...changes } } };
  });
}

function relink(job: Job): void {
  const known = useJobs.getState().entries[job.job_id]?.job;
  if (known?.seq === job.seq) patch(job.job_id, { job });
}

const at = (jobId: string) => ({ params: { path: { job_id: jobId } } });

function fetchJob(jobId: string): Promise<Job> {
  return answered(api.GET("/jobs/{job_id}", at(jobId)));
}

function renewUploads(jobId: string): Promise<JobWithUploads> {
  return answered(api.POST("/jobs/{job_id}/uploads", at(jobId)));
}

onDeparture(() => void files.clear());

/** Nobody's jobs are shown or followed; whose sign-in only ended finds theirs again. */
useSession.subscribe((now, before) => {
  if (before.status !== "signed_in" || now.status !== "signed_out") return;
  jobUpdates.close();
  for (const stop of transfers.values()) stop.abort();
  transfers.clear();
  useJobs.setState({ entries: {}, connection: "live" });
});
