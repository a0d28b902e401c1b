/** The store of tracked jobs: submission, uploads, updates, and recovery after a reload. */
import { create } from "zustand";
import { hasEnded, type Job, type JobWithUploads } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import { api, unwrap } from "@/service/api";
import { currentService } from "@/service/deployment";
import { ServiceError, toServiceError } from "@/service/error";
import { JobUpdates } from "@/service/job-updates";
import { onClearLocalData } from "@/service/local-data";
import { bearerToken, invalidateToken, useSession } from "@/service/session";
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

/** The tracked jobs, and the connection's status. */
export const useJobs = create<Jobs>()(() => ({ entries: {}, connection: "live" }));

const OPEN_LISTED = 50;

/** The factory of WebSockets, replaced by tests. */
export const sockets = { open: (url: string): SocketLike => new WebSocket(url) };

/** The token of the current socket. */
let socketToken = "";

const jobUpdates = new JobUpdates({
  async socketUrl() {
    const url = new URL(currentService().config.socket_url);
    socketToken = await bearerToken();
    url.searchParams.set("token", socketToken);
    return url.href;
  },
  onTokenExpired: () => invalidateToken(socketToken),
  openSocket: (url) => sockets.open(url),
  fetchJob,
  knownJob: (jobId) => useJobs.getState().entries[jobId]?.job,
  onJob: apply,
  onError: untrackJob,
  onConnectionChange: (connection) => useJobs.setState({ connection }),
});

/**
 * Idempotency keys of drafts that are being submitted. A key stays until the job exists, so no draft becomes two jobs.
 */
const keys = new WeakMap<Draft, string>();
const submissions = new Map<Draft, Promise<string>>();
const uploadControllers = new Map<string, AbortController>();

/**
 * Submit a draft as a job; returns its id. Uploads continue in the background: `uploadProgress` and `uploadError` of
 * the entry show their state. Throws `ServiceError`; the draft stays unchanged and can be submitted again.
 */
export function submitJob(draft: Draft): Promise<string> {
  const pending = submissions.get(draft);
  if (pending !== undefined) return pending;
  const work = createOnce(draft).finally(() => submissions.delete(draft));
  submissions.set(draft, work);
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
  // After another sign-in, the same draft gets the same job.
  if (useSession.getState().username === null) throw new ServiceError("unauthorized", "Signed out.", { status: 401 });
  keys.delete(draft);
  return trackAndUpload(submitted.created, submitted.files);
}

/** Rerun a job unchanged; returns the new job's id, one for each `key`. Throws `ServiceError`. */
export async function rerun(jobId: string, key: string): Promise<string> {
  return trackAndUpload(await submission.postRerun(jobId, {}, key), {});
}

/** Upload the files of a waiting job again. Errors are reported in `uploadError`. */
export async function retryUploads(jobId: string): Promise<void> {
  uploadControllers.get(jobId)?.abort();
  const renewed = await renewedUploads(jobId);
  if (renewed !== null) void withUploadLock(jobId, {}, () => startUpload(...renewed));
}

/**
 * Renewed presigned POSTs for a job, and its files; null if there is nothing to upload. Errors are reported in the
 * entry.
 */
async function renewedUploads(jobId: string): Promise<[JobWithUploads, files.Files] | null> {
  patch(jobId, { uploadError: null });
  try {
    const [created, stored] = await Promise.all([renewUploads(jobId), files.get(jobId)]);
    apply(created.job);
    return [created, stored];
  } catch (thrown) {
    const error = toServiceError(thrown);
    // The job no longer waits for files: fetch its new state.
    if (error.code === "conflict") await refresh(jobId);
    else patch(jobId, { uploadError: error });
    return null;
  }
}

/** Cancel a job. If it has ended meanwhile, its final state is fetched. Throws `ServiceError`. */
export async function cancel(jobId: string): Promise<void> {
  try {
    apply(await unwrap(api.DELETE("/jobs/{job_id}", jobPath(jobId))));
  } catch (thrown) {
    const error = toServiceError(thrown);
    if (error.code !== "conflict") throw error;
    await refresh(jobId);
  }
}

/** Track a job until it ends. Throws `ServiceError` if it cannot be fetched. */
export async function trackJob(jobId: string): Promise<void> {
  if (useJobs.getState().entries[jobId] === undefined) apply(await fetchJob(jobId));
  subscribeToJob(jobId);
}

/** Fetch a job again, with refreshed presigned URLs. Unchanged if the service is unreachable. */
export async function refresh(jobId: string): Promise<void> {
  const job = await fetchJob(jobId).catch(() => null);
  if (job !== null && !apply(job)) updateUrls(job);
}

/** Stop tracking a job; the service keeps it. */
export function untrackJob(jobId: string): void {
  jobUpdates.unsubscribe(jobId);
  endUploads(jobId);
  useJobs.setState(({ entries: { [jobId]: _, ...others } }) => ({ entries: others }));
}

/**
 * Resume tracking: jobs that this browser stored, from the last known state, and open jobs of other devices.
 * Interrupted uploads start again.
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

/** Track a job of a list while it is open; a job that has ended is only updated if it is tracked already. */
export function trackListedJob(job: Job): void {
  if (useJobs.getState().entries[job.job_id] === undefined && hasEnded(job)) return;
  apply(job);
  subscribeToJob(job.job_id);
}

/**
 * Apply a job's state from any source. Returns whether it was new: older states, and states after a terminal one, are
 * ignored.
 */
export function apply(job: Job, startedAt = Date.now()): boolean {
  const { username } = useSession.getState();
  if (username === null) return false;
  const known = useJobs.getState().entries[job.job_id];
  if (known !== undefined && (job.seq <= known.job.seq || hasEnded(known.job))) return false;
  const ended = hasEnded(job);
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
  if (job !== undefined && !hasEnded(job)) jobUpdates.subscribe(jobId, job.seq);
}

/** End the uploads of a job, and remove its stored files. */
function endUploads(jobId: string): void {
  uploadControllers.get(jobId)?.abort();
  uploadControllers.delete(jobId);
  openJobs.erase(jobId);
  void files.drop(jobId);
}

/** Resume an interrupted upload, unless another tab holds its lock. */
async function resumeUpload(job: Job): Promise<void> {
  if (job.state !== "awaiting_upload" || uploadControllers.has(job.job_id)) return;
  const stored = await files.get(job.job_id);
  if (Object.keys(stored).length === 0) return;
  await withUploadLock(job.job_id, { ifAvailable: true }, async () => {
    const renewed = await renewedUploads(job.job_id);
    if (renewed !== null) await startUpload(...renewed);
  });
}

/** Run `work` under the job's Web Lock, so that only one tab uploads its files. */
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
  uploadControllers.get(jobId)?.abort();
  const stop = new AbortController();
  uploadControllers.set(jobId, stop);
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
    if (uploadControllers.get(jobId) === stop) uploadControllers.delete(jobId);
  }
}

function patch(jobId: string, changes: Partial<TrackedJob>): void {
  useJobs.setState(({ entries }) => {
    const entry = entries[jobId];
    return entry === undefined ? {} : { entries: { ...entries, [jobId]: { ...entry, ...changes } } };
  });
}

function updateUrls(job: Job): void {
  const known = useJobs.getState().entries[job.job_id]?.job;
  if (known?.seq === job.seq) patch(job.job_id, { job });
}

const jobPath = (jobId: string) => ({ params: { path: { job_id: jobId } } });

function fetchJob(jobId: string): Promise<Job> {
  return unwrap(api.GET("/jobs/{job_id}", jobPath(jobId)));
}

function renewUploads(jobId: string): Promise<JobWithUploads> {
  return unwrap(api.POST("/jobs/{job_id}/uploads", jobPath(jobId)));
}

onClearLocalData(() => void files.clear());

// Signed out: track nothing. If the session only expired, the same user resumes after signing in.
useSession.subscribe((now, before) => {
  if (before.status !== "signed_in" || now.status !== "signed_out") return;
  jobUpdates.close();
  for (const stop of uploadControllers.values()) stop.abort();
  uploadControllers.clear();
  useJobs.setState({ entries: {}, connection: "live" });
});
