/** The jobs that this studio follows: asked for here or elsewhere, each as newly as is known. */
import { create } from "zustand";
import { type Job, type JobWithUploads, TERMINAL } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import { api, unwrap } from "@/service/api";
import { currentService } from "@/service/deployment";
import { ServiceError, toServiceError } from "@/service/error";
import { JobUpdates } from "@/service/job-updates";
import { onClearLocalData } from "@/service/local-data";
import { bearerToken, useSession } from "@/service/session";
import type { ConnectionStatus, SocketLike } from "@/service/websocket";
import * as submission from "./create-job";
import { nextMarks, recordDuration } from "./estimate";
import * as openJobs from "./open-jobs";
import * as files from "./pending-files";
import type { TrackedJob } from "./tracked-job";
import { uploadFiles } from "./upload-files";

interface Jobs {
  entries: Record<string, TrackedJob>;
  connection: ConnectionStatus;
}

/** What is known of jobs, and how news of them arrives. */
export const useJobs = create<Jobs>()(() => ({ entries: {}, connection: "live" }));

const OPEN_LISTED = 50;

/** How sockets are opened; tests put another way here. */
export const sockets = { open: (url: string): SocketLike => new WebSocket(url) };

const jobUpdates = new JobUpdates({
  async socketUrl() {
    const url = new URL(currentService().config.socket_url);
    url.searchParams.set("token", await bearerToken());
    return url.href;
  },
  openSocket: (url) => sockets.open(url),
  fetchJob,
  onJob: apply,
  onError: untrackJob,
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
export function submitJob(draft: Draft): Promise<string> {
  const underWay = sending.get(draft);
  if (underWay !== undefined) return underWay;
  const work = createOnce(draft).finally(() => sending.delete(draft));
  sending.set(draft, work);
  return work;
}

async function createOnce(draft: Draft): Promise<string> {
  const key = keys.get(draft) ?? crypto.randomUUID();
  keys.set(draft, key);
  let submitted: submission.CreatedJob;
  try {
    submitted = await submission.createJob(draft, key);
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (!error.retryable) keys.delete(draft);
    throw error;
  }
  // Who signs in again and sends the same draft is given the same job.
  if (useSession.getState().username === null) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
  keys.delete(draft);
  return trackAndUpload(submitted.created, submitted.files);
}

/** Ask for a job that ended once more, as it was; the new job's id, one for each `key`. Throws `ServiceError`. */
export async function rerun(jobId: string, key: string): Promise<string> {
  return trackAndUpload(await submission.postRerun(jobId, {}, key), {});
}

/** Have the files of a job that still waits for them sent again. What goes wrong shows in `trouble`. */
export async function retryUploads(jobId: string): Promise<void> {
  transfers.get(jobId)?.abort();
  const renewed = await renewedUploads(jobId);
  if (renewed !== null) void withUploadLock(jobId, {}, () => startUpload(...renewed));
}

/** Fresh forms for the files of a job, and the files; null when there is nothing to send, which then shows. */
async function renewedUploads(jobId: string): Promise<[JobWithUploads, files.Files] | null> {
  patch(jobId, { uploadError: null });
  try {
    const [created, stored] = await Promise.all([renewUploads(jobId), files.get(jobId)]);
    apply(created.job);
    return [created, stored];
  } catch (thrown) {
    const error = toServiceError(thrown);
    // It waits no longer: then how it stands is the news.
    if (error.code === "conflict") await refresh(jobId);
    else patch(jobId, { uploadError: error });
    return null;
  }
}

/** Cancel a job. One that has ended meanwhile shows its end. Throws `ServiceError`. */
export async function cancel(jobId: string): Promise<void> {
  try {
    apply(await unwrap(api.DELETE("/jobs/{job_id}", at(jobId))));
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (error.code !== "conflict") throw error;
    await refresh(jobId);
  }
}

/** Know a job and follow it to its end. Throws `ServiceError` when it cannot be had. */
export async function trackJob(jobId: string): Promise<void> {
  if (useJobs.getState().entries[jobId] === undefined) apply(await fetchJob(jobId));
  subscribeToJob(jobId);
}

/** A job with fresh links to its pictures: those of before end after a while. It stays as it is when nobody answers. */
export async function refresh(jobId: string): Promise<void> {
  const job = await fetchJob(jobId).catch(() => null);
  if (job !== null && !apply(job)) relink(job);
}

/** Know nothing of a job here any more; the service keeps it. */
export function untrackJob(jobId: string): void {
  jobUpdates.unsubscribe(jobId);
  endUploads(jobId);
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
    subscribeToJob(job.job_id);
    void resumeUpload(job);
  }
  const listed = await unwrap(api.GET("/jobs", { params: { query: { limit: OPEN_LISTED } } })).catch(() => null);
  for (const job of listed?.jobs ?? []) trackListedJob(job);
}

/** A job of a list, wherever it was asked for: followed while it is open; one that ended before is history. */
export function trackListedJob(job: Job): void {
  if (useJobs.getState().entries[job.job_id] === undefined && TERMINAL.has(job.state)) return;
  apply(job);
  subscribeToJob(job.job_id);
}

/** A state of a job that came from anywhere. True when it was news: states before the known one, and after the last, are none. */
export function apply(job: Job, startedAt = Date.now()): boolean {
  const { username } = useSession.getState();
  if (username === null) return false;
  const known = useJobs.getState().entries[job.job_id];
  if (known !== undefined && (job.seq <= known.job.seq || TERMINAL.has(known.job.state))) return false;
  const ended = TERMINAL.has(job.state);
  const entry: TrackedJob = {
    uploadProgress: known?.uploadProgress ?? {},
    startedAt: known?.startedAt ?? startedAt,
    uploadError: job.state === "awaiting_upload" ? (known?.uploadError ?? null) : null,
    marks: nextMarks(known?.marks ?? [], known?.job ?? null, job),
    job,
  };
  useJobs.setState(({ entries }) => ({ entries: { ...entries, [job.job_id]: entry } }));
  jobUpdates.recordState(job);
  if (job.state !== "awaiting_upload") endUploads(job.job_id);
  if (!ended) openJobs.write(username, entry);
  if (ended && known !== undefined) recordDuration(job);
  return true;
}

function trackAndUpload(created: JobWithUploads, blobs: files.Files): string {
  const { job } = created;
  apply(job);
  subscribeToJob(job.job_id);
  void withUploadLock(job.job_id, {}, () => startUpload(created, blobs));
  return job.job_id;
}

function subscribeToJob(jobId: string): void {
  const job = useJobs.getState().entries[jobId]?.job;
  if (job !== undefined && !TERMINAL.has(job.state)) jobUpdates.subscribe(jobId, job.seq);
}

/** Nothing is to be sent for a job any more. */
function endUploads(jobId: string): void {
  transfers.get(jobId)?.abort();
  transfers.delete(jobId);
  openJobs.erase(jobId);
  void files.drop(jobId);
}

/** Begin the uploads of a job again that were cut short here, unless another tab is at it. */
async function resumeUpload(job: Job): Promise<void> {
  if (job.state !== "awaiting_upload" || transfers.has(job.job_id)) return;
  const stored = await files.get(job.job_id);
  if (Object.keys(stored).length === 0) return;
  await withUploadLock(job.job_id, { ifAvailable: true }, async () => {
    const renewed = await renewedUploads(job.job_id);
    if (renewed !== null) await startUpload(...renewed);
  });
}

/** Sends a job's files from one tab at a time, where browsers can tell: after the other, or not at all. */
async function withUploadLock(jobId: string, options: LockOptions, work: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return work();
  await navigator.locks.request(`darkroom.upload.${jobId}`, options, async (lock) => {
    if (lock !== null) await work();
  });
}

async function startUpload({ job, uploads }: JobWithUploads, blobs: files.Files): Promise<void> {
  const jobId = job.job_id;
  const roles = Object.keys(uploads);
  if (roles.length === 0 || useJobs.getState().entries[jobId]?.job.state !== "awaiting_upload") return;
  transfers.get(jobId)?.abort();
  const stop = new AbortController();
  transfers.set(jobId, stop);
  patch(jobId, { uploadProgress: Object.fromEntries(roles.map((role) => [role, 0])), uploadError: null });
  await files.put(jobId, blobs);
  try {
    await uploadFiles(
      uploads,
      blobs,
      {
        onProgress: (role, fraction) => {
          const sent = useJobs.getState().entries[jobId]?.uploadProgress;
          if (!stop.signal.aborted) patch(jobId, { uploadProgress: { ...sent, [role]: fraction } });
        },
        renewForms: () => renewUploads(jobId),
      },
      stop.signal,
    );
  } catch (thrown) {
    if (!stop.signal.aborted) patch(jobId, { uploadError: toServiceError(thrown) });
  } finally {
    if (transfers.get(jobId) === stop) transfers.delete(jobId);
  }
}

function patch(jobId: string, changes: Partial<TrackedJob>): void {
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
  return unwrap(api.GET("/jobs/{job_id}", at(jobId)));
}

function renewUploads(jobId: string): Promise<JobWithUploads> {
  return unwrap(api.POST("/jobs/{job_id}/uploads", at(jobId)));
}

onClearLocalData(() => void files.clear());

/** Nobody's jobs are shown or followed; whose sign-in only ended finds theirs again. */
useSession.subscribe((now, before) => {
  if (before.status !== "signed_in" || now.status !== "signed_out") return;
  jobUpdates.close();
  for (const stop of transfers.values()) stop.abort();
  transfers.clear();
  useJobs.setState({ entries: {}, connection: "live" });
});
