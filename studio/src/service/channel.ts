/** News of jobs: one WebSocket for all of them, resumed where it broke off, and polling where there is no socket. */
import { type Job, TERMINAL } from "@/contract/types";
import { toServiceError } from "./error";
import { type Connection, isJob, type Line, PACE, type Pace, parsed, type SocketLike } from "./line";
import { isOffline, pause } from "./network";

interface Watched {
  seq: number;
  /** When anything was last heard of the job, in milliseconds since the epoch. */
  heardAt: number;
  looking: boolean;
}

const BEAT = 1_000;
/** A clock that jumped so far while the page was seen, has slept, or was set. */
const SLEPT = 15_000;
/** What was heard so lately needs no second look. */
const RECENT = 3_000;

/** Follows any number of jobs, each from a `seq` on, up to and with its end. */
export class Channel {
  readonly #line: Line;
  readonly #pace: Pace;
  readonly #watched = new Map<string, Watched>();
  #socket: SocketLike | null = null;
  #open = false;
  #failures = 0;
  #connection: Connection = "live";
  #beat: ReturnType<typeof setInterval> | null = null;
  #beatAt = 0;
  #retryAt = 0;
  /** When the socket must have opened or answered. */
  #deadline = Number.POSITIVE_INFINITY;
  #pingAt = Number.POSITIVE_INFINITY;
  #neededAt = 0;

  constructor(line: Line, pace: Partial<Pace> = {}) {
    this.#line = line;
    this.#pace = { ...PACE, ...pace };
  }

  /** Tell what happens to a job after `afterSeq`, a state of it that was seen and was not its last. */
  watch(jobId: string, afterSeq: number): void {
    if (this.#watched.has(jobId)) return;
    const now = Date.now();
    this.#watched.set(jobId, { seq: afterSeq, heardAt: now, looking: false });
    this.#neededAt = now;
    if (this.#open) this.#subscribe(jobId, afterSeq);
    if (this.#beat === null) this.#start();
    else if (now >= this.#retryAt) this.#connect();
  }

  /** Whether a job is followed. */
  isWatching(jobId: string): boolean {
    return this.#watched.has(jobId);
  }

  /** Follow a job no longer. */
  unwatch(jobId: string): void {
    if (this.#watched.delete(jobId) && this.#open) this.#send({ action: "unsubscribe", job_id: jobId });
  }

  /** A state that came another way, such as the answer to a cancellation, so that it is not told again. */
  know({ job_id, seq, state }: Job): void {
    const watched = this.#watched.get(job_id);
    if (watched === undefined) return;
    watched.seq = Math.max(watched.seq, seq);
    if (TERMINAL.has(state)) this.#watched.delete(job_id);
  }

  /** Follow nothing, and let the socket go. */
  close(): void {
    this.#watched.clear();
    this.#stop();
  }

  #start(): void {
    this.#beatAt = Date.now();
    this.#retryAt = 0;
    this.#failures = 0;
    this.#beat = setInterval(() => this.#tick(), BEAT);
    addEventListener("online", this.#wake);
    addEventListener("offline", this.#doubt);
    addEventListener("pageshow", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  #stop(): void {
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#beat = null;
    removeEventListener("online", this.#wake);
    removeEventListener("offline", this.#doubt);
    removeEventListener("pageshow", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#drop();
    this.#tell("live");
  }

  /** The page is back, from another tab, a closed lid or a dead network: no waiting now. */
  #wake = (): void => {
    if (document.visibilityState === "hidden") return;
    this.#beatAt = Date.now();
    this.#failures = 0;
    this.#retryAt = 0;
    if (this.#open) this.#doubt();
    else this.#connect();
    const now = Date.now();
    this.#lookAt(({ heardAt }) => Math.abs(now - heardAt) >= RECENT);
  };

  /** Have the socket show that it lives. */
  #doubt = (): void => {
    if (!this.#open) this.#tell(this.#unconnected());
    else if (this.#deadline === Number.POSITIVE_INFINITY) this.#ping();
  };

  #tick(): void {
    const now = Date.now();
    const slept = Math.abs(now - this.#beatAt) > SLEPT && document.visibilityState !== "hidden";
    this.#beatAt = now;
    if (this.#watched.size > 0) this.#neededAt = now;
    const idle = now - this.#neededAt >= this.#pace.idle;
    if (idle) this.#stop();
    else if (slept) this.#wake();
    else this.#keepUp(now);
  }

  #keepUp(now: number): void {
    if (now >= this.#deadline) this.#lost();
    if (this.#open && now >= this.#pingAt) this.#ping();
    const patience = this.#open ? this.#pace.quiet : this.#pace.poll;
    if (this.#open || !isOffline()) this.#lookAt(({ heardAt }) => now - heardAt >= patience);
    if (now >= this.#retryAt) this.#connect();
    if (!this.#open) this.#tell(this.#unconnected());
  }

  #connect(): void {
    if (this.#socket !== null || this.#deadline !== Number.POSITIVE_INFINITY || this.#watched.size === 0) return;
    const deadline = Date.now() + this.#pace.answer;
    this.#deadline = deadline;
    this.#tell(this.#unconnected());
    this.#line.address().then(
      (url) => {
        if (this.#deadline === deadline && this.#beat !== null) this.#dial(url);
      },
      () => {
        if (this.#deadline === deadline) this.#lost();
      },
    );
  }

  #dial(url: string): void {
    let socket: SocketLike;
    try {
      socket = this.#line.open(url);
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    const current = (then: () => void) => () => {
      if (this.#socket === socket) then();
    };
    socket.addEventListener(
      "open",
      current(() => this.#opened()),
    );
    socket.addEventListener(
      "close",
      current(() => this.#lost()),
    );
    socket.addEventListener("message", (event) => {
      if (this.#socket === socket) this.#hear(event.data);
    });
  }

  #opened(): void {
    this.#open = true;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#pingAt = Date.now() + this.#pace.ping;
    for (const [jobId, watched] of this.#watched) {
      watched.heardAt = Date.now();
      this.#subscribe(jobId, watched.seq);
    }
    if (this.#open) this.#tell("live");
  }

  /** The socket is gone. The first break is usually the gateway's: come back at once, then ever more slowly. */
  #lost(): void {
    this.#drop();
    this.#failures += 1;
    const { firstReconnect, longestReconnect } = this.#pace;
    const again = this.#failures <= 1 ? 0 : pause(this.#failures - 2, firstReconnect, longestReconnect);
    this.#retryAt = Date.now() + (isOffline() ? longestReconnect : again);
    this.#tell(this.#unconnected());
    if (again === 0 && !isOffline()) this.#connect();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#open = false;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#pingAt = Number.POSITIVE_INFINITY;
    socket?.close();
  }

  #hear(data: unknown): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    const message = parsed(data);
    const { type, job, job_id: jobId } = message;
    if (type === "job" && isJob(job)) {
      this.#failures = 0;
      this.#news(job);
    } else if (type === "subscribed" && typeof jobId === "string") {
      this.#failures = 0;
      this.#heard(jobId);
    } else if (type === "error" && typeof jobId === "string") {
      // Refused. The GET says why, or carries on without the socket.
      this.#lookAt((_, one) => one === jobId);
    } else if (type === "error" || type === undefined) {
      // The gateway's own trouble: what was asked last may not have arrived.
      this.#lost();
    }
  }

  /** Whether it was any. */
  #news(job: Job): boolean {
    const watched = this.#watched.get(job.job_id);
    if (watched === undefined) return false;
    watched.heardAt = Date.now();
    const isNew = job.seq > watched.seq;
    watched.seq = Math.max(watched.seq, job.seq);
    if (TERMINAL.has(job.state)) this.#watched.delete(job.job_id);
    if (isNew) this.#line.onJob(job);
    return isNew;
  }

  #heard(jobId: string): void {
    const watched = this.#watched.get(jobId);
    if (watched !== undefined) watched.heardAt = Date.now();
  }

  #lookAt(which: (watched: Watched, jobId: string) => boolean): void {
    for (const [jobId, watched] of this.#watched) {
      if (!watched.looking && which(watched, jobId)) void this.#look(jobId, watched);
    }
  }

  /** One GET, and what it tells that is new. */
  async #look(jobId: string, watched: Watched): Promise<void> {
    watched.looking = true;
    const overdue = this.#open && Date.now() - watched.heardAt >= this.#pace.quiet;
    try {
      const isNew = this.#news(await this.#line.look(jobId));
      // The socket kept silent about a change: so it is worth nothing.
      if (overdue && isNew && this.#open) this.#lost();
    } catch (thrown) {
      const error = toServiceError(thrown);
      watched.heardAt = Date.now();
      if (error.status === 404 || error.status === 403) {
        if (this.#watched.get(jobId) === watched) this.#watched.delete(jobId);
        this.#line.onTrouble(jobId, error);
      }
    } finally {
      watched.looking = false;
    }
  }

  #ping(): void {
    const now = Date.now();
    this.#deadline = now + this.#pace.answer;
    this.#pingAt = now + this.#pace.ping;
    this.#send({ action: "ping" });
  }

  #subscribe(jobId: string, afterSeq: number): void {
    this.#send({ action: "subscribe", job_id: jobId, after_seq: afterSeq });
  }

  #send(message: object): void {
    try {
      this.#socket?.send(JSON.stringify(message));
    } catch {
      this.#lost();
    }
  }

  #unconnected(): Connection {
    if (isOffline()) return "offline";
    if (this.#watched.size === 0) return "live";
    return this.#failures <= 1 ? "connecting" : "polling";
  }

  #tell(connection: Connection): void {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#line.onConnection(connection);
  }
}
