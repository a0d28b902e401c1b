/** Job updates: subscriptions on one WebSocket, resumed after the last `seq`, and polling while there is no socket. */
import { hasEnded, type Job } from "@/contract/types";
import { isRecord, type ServiceError, toServiceError } from "./error";
import { isOffline } from "./network";
import { DEFAULT_TIMINGS, ReconnectingWebSocket, type SocketOptions, type Timings } from "./websocket";

/** What `JobUpdates` is given: the socket, the GET, and its callbacks. */
export interface JobUpdatesOptions extends Pick<SocketOptions, "socketUrl" | "openSocket" | "onConnectionChange"> {
  /** The socket's token has expired: the next `socketUrl()` must have another one. */
  onTokenExpired(): void;
  /** `GET /jobs/{id}`. */
  fetchJob(jobId: string): Promise<Job>;
  /** A job's state as it is shown, for what a long message leaves out. */
  knownJob(jobId: string): Job | undefined;
  /** A state with a larger `seq` than any before. */
  onJob(job: Job): void;
  /** The subscription ended: the job does not exist (any longer), or belongs to another caller. */
  onError(jobId: string, error: ServiceError): void;
}

interface Subscription {
  seq: number;
  /** The `seq` of the newest message that had only a part of the job. Above `seq`, the rest is still to be fetched. */
  announcedSeq: number;
  /** When the last message about the job arrived, in milliseconds since the epoch. */
  heardAt: number;
  fetching: boolean;
}

const TICK_MILLISECONDS = 1_000;
/** A clock that jumped this far on a visible page means that the machine slept, or the clock was set. */
const CLOCK_JUMP_MILLISECONDS = 15_000;
/** A job whose last message is more recent than this is not fetched when the page wakes. */
const RECENT_MILLISECONDS = 3_000;

/** Subscribes to any number of jobs, each from a `seq` on, until it has ended. */
export class JobUpdates {
  readonly #options: JobUpdatesOptions;
  readonly #timings: Timings;
  readonly #socket: ReconnectingWebSocket;
  readonly #subscriptions = new Map<string, Subscription>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #tickedAt = 0;
  #lastNeededAt = 0;

  constructor(options: JobUpdatesOptions, timings: Partial<Timings> = {}) {
    this.#options = options;
    this.#timings = { ...DEFAULT_TIMINGS, ...timings };
    this.#socket = new ReconnectingWebSocket(
      {
        socketUrl: () => options.socketUrl(),
        openSocket: (url) => options.openSocket(url),
        isNeeded: () => this.#subscriptions.size > 0,
        onOpen: () => this.#resubscribe(),
        onMessage: (message) => this.#onMessage(message),
        onConnectionChange: (connection) => options.onConnectionChange(connection),
      },
      this.#timings,
    );
  }

  /** Report what happens to a job after `afterSeq`, the last known state, which must not be terminal. */
  subscribe(jobId: string, afterSeq: number): void {
    if (this.#subscriptions.has(jobId)) return;
    const now = Date.now();
    this.#subscriptions.set(jobId, { seq: afterSeq, announcedSeq: 0, heardAt: now, fetching: false });
    this.#lastNeededAt = now;
    if (this.#socket.isOpen) this.#sendSubscribe(jobId, afterSeq);
    if (this.#timer === null) this.#start();
    else this.#socket.connectIfDue();
  }

  /** Whether there is a subscription for a job. */
  isSubscribed(jobId: string): boolean {
    return this.#subscriptions.has(jobId);
  }

  /** End the subscription for a job. */
  unsubscribe(jobId: string): void {
    if (this.#subscriptions.delete(jobId) && this.#socket.isOpen) {
      this.#socket.send({ action: "unsubscribe", job_id: jobId });
    }
  }

  /** Record a state that another response brought, such as that of a cancellation, so that it is not reported again. */
  recordState(job: Job): void {
    const { job_id, seq } = job;
    const subscription = this.#subscriptions.get(job_id);
    if (subscription === undefined) return;
    subscription.seq = Math.max(subscription.seq, seq);
    if (hasEnded(job)) this.#subscriptions.delete(job_id);
  }

  /** End all subscriptions and close the socket. */
  close(): void {
    this.#subscriptions.clear();
    this.#stop();
  }

  #start(): void {
    this.#tickedAt = Date.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MILLISECONDS);
    addEventListener("online", this.#wake);
    addEventListener("offline", this.#checkConnection);
    addEventListener("pageshow", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#socket.connectNow();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    removeEventListener("online", this.#wake);
    removeEventListener("offline", this.#checkConnection);
    removeEventListener("pageshow", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#socket.close();
  }

  /** Reconnect and fetch at once: the page is visible again, or the network is back. */
  #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    this.#tickedAt = Date.now();
    this.#socket.connectNow();
    const now = Date.now();
    this.#fetchJobs(({ heardAt }) => Math.abs(now - heardAt) >= RECENT_MILLISECONDS);
  };

  #checkConnection = (): void => this.#socket.checkConnection();

  #tick(): void {
    const now = Date.now();
    const clockJumped =
      Math.abs(now - this.#tickedAt) > CLOCK_JUMP_MILLISECONDS && document.visibilityState !== "hidden";
    this.#tickedAt = now;
    if (this.#subscriptions.size > 0) this.#lastNeededAt = now;
    const idle = now - this.#lastNeededAt >= this.#timings.idleTimeout;
    if (idle) this.#stop();
    else if (clockJumped) this.#wake();
    else this.#checkTimeouts(now);
  }

  #checkTimeouts(now: number): void {
    this.#socket.checkTimeouts(now);
    const { isOpen } = this.#socket;
    const { silenceTimeout, pollInterval } = this.#timings;
    if (!isOpen && isOffline()) return;
    this.#fetchJobs(({ seq, announcedSeq, heardAt }) => {
      const timeout = isOpen && announcedSeq <= seq ? silenceTimeout : pollInterval;
      return now - heardAt >= timeout;
    });
  }

  #resubscribe(): void {
    for (const [jobId, subscription] of this.#subscriptions) {
      subscription.heardAt = Date.now();
      this.#sendSubscribe(jobId, subscription.seq);
    }
  }

  #sendSubscribe(jobId: string, afterSeq: number): void {
    this.#socket.send({ action: "subscribe", job_id: jobId, after_seq: afterSeq });
  }

  #onMessage({ type, job, omitted, error, job_id: jobId }: Record<string, unknown>): void {
    if (type === "job" && isJob(job)) {
      this.#socket.resetBackoff();
      this.#completeAndApply(job, Array.isArray(omitted) ? omitted : []);
    } else if (type === "subscribed" && typeof jobId === "string") {
      this.#socket.resetBackoff();
      const subscription = this.#subscriptions.get(jobId);
      if (subscription !== undefined) subscription.heardAt = Date.now();
    } else if (type === "error" && typeof jobId === "string") {
      // The subscription was refused. The GET gives the reason, or polling goes on without the socket.
      this.#fetchJobs((_, one) => one === jobId);
    } else if (type === "error" || type === undefined) {
      if (isRecord(error) && error.code === "unauthorized") this.#options.onTokenExpired();
      // An error of the gateway itself: the last message sent may not have arrived.
      this.#socket.reconnect();
    }
  }

  /** Report the job of a message. What the message left out is known, or is fetched first. */
  #completeAndApply(job: Job, omitted: readonly unknown[]): void {
    const subscription = this.#subscriptions.get(job.job_id);
    if (subscription === undefined) return;
    const whole = completeJob(job, omitted, this.#options.knownJob(job.job_id));
    if (whole !== null) {
      this.#applyJob(whole);
    } else if (job.seq > subscription.seq) {
      subscription.announcedSeq = Math.max(subscription.announcedSeq, job.seq);
      subscription.heardAt = Date.now();
      this.#fetchJobs((one) => one === subscription);
    }
  }

  /** Report a job if its `seq` is new. Returns whether it was. */
  #applyJob(job: Job): boolean {
    const subscription = this.#subscriptions.get(job.job_id);
    if (subscription === undefined) return false;
    subscription.heardAt = Date.now();
    const isNew = job.seq > subscription.seq;
    subscription.seq = Math.max(subscription.seq, job.seq);
    if (hasEnded(job)) this.#subscriptions.delete(job.job_id);
    if (isNew) this.#options.onJob(job);
    return isNew;
  }

  #fetchJobs(which: (subscription: Subscription, jobId: string) => boolean): void {
    for (const [jobId, subscription] of this.#subscriptions) {
      if (!subscription.fetching && which(subscription, jobId)) void this.#fetchJob(jobId, subscription);
    }
  }

  async #fetchJob(jobId: string, subscription: Subscription): Promise<void> {
    subscription.fetching = true;
    const overdue = this.#socket.isOpen && Date.now() - subscription.heardAt >= this.#timings.silenceTimeout;
    try {
      const isNew = this.#applyJob(await this.#options.fetchJob(jobId));
      // The socket did not report a change, so it is replaced.
      if (overdue && isNew && this.#socket.isOpen) this.#socket.reconnect();
    } catch (thrown) {
      const error = toServiceError(thrown);
      subscription.heardAt = Date.now();
      if (error.status === 404 || error.status === 403) {
        if (this.#subscriptions.get(jobId) === subscription) this.#subscriptions.delete(jobId);
        this.#options.onError(jobId, error);
      }
    } finally {
      subscription.fetching = false;
    }
  }
}

/** The job of a message with what it left out; null if that has to be fetched. A job that has ended is shown in full. */
function completeJob(job: Job, omitted: readonly unknown[], known: Job | undefined): Job | null {
  if (omitted.length === 0) return job;
  const isKnown = (name: unknown) => name === "params" || name === "uploads.url";
  if (hasEnded(job) || known === undefined || !omitted.every(isKnown)) return null;
  const uploads = Object.entries(job.uploads).map(([role, upload]) => {
    return [role, { ...upload, url: upload.url ?? known.uploads[role]?.url ?? null }] as const;
  });
  const params = omitted.includes("params") ? known.params : job.params;
  return { ...job, params, uploads: Object.fromEntries(uploads) };
}

/** Whether a value has the fields of a job that are read here; the contract vouches for the others. */
export function isJob(value: unknown): value is Job {
  return (
    isRecord(value) &&
    typeof value.job_id === "string" &&
    typeof value.seq === "number" &&
    typeof value.state === "string" &&
    typeof value.kind === "string"
  );
}
