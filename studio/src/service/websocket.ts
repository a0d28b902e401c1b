/** A WebSocket that reconnects by itself: exponential backoff, pings, and timeouts for what gets no response. */
import { isRecord } from "./error";
import { backoffDelay, isOffline } from "./network";

/** The state of the connection. `live` is also reported when no socket is needed. */
export type ConnectionStatus = "live" | "connecting" | "polling" | "offline";

/** The part of a browser's WebSocket that is used here. */
export type SocketLike = Pick<WebSocket, "send" | "close" | "addEventListener">;

/** Intervals and timeouts, in milliseconds. */
export interface Timings {
  /** The interval between two GETs of a job while there is no socket. */
  pollInterval: number;
  /** How long a job may stay silent before one GET checks it: a lost push must not hide the end of a job. */
  silenceTimeout: number;
  /** The interval between pings. API Gateway closes a socket that was idle for ten minutes. */
  ping: number;
  /** The time in which a socket must open, and a ping must be answered. */
  responseTimeout: number;
  firstReconnect: number;
  longestReconnect: number;
  /** How long a socket without subscriptions stays open for the next job. */
  idleTimeout: number;
}

export const DEFAULT_TIMINGS: Timings = {
  pollInterval: 2_000,
  silenceTimeout: 30_000,
  ping: 240_000,
  responseTimeout: 10_000,
  firstReconnect: 500,
  longestReconnect: 30_000,
  idleTimeout: 60_000,
};

/** How a `ReconnectingWebSocket` is opened, and its callbacks. */
export interface SocketOptions {
  /** The socket's URL with a token that is valid now. */
  socketUrl(): Promise<string>;
  openSocket(url: string): SocketLike;
  /** Whether anybody waits for messages; a socket that is not needed is not opened. */
  isNeeded(): boolean;
  onOpen(): void;
  /** A message as an object; without fields when it was no JSON object. */
  onMessage(message: Record<string, unknown>): void;
  onConnectionChange(connection: ConnectionStatus): void;
}

/** One WebSocket at a time, replaced when it closes or stops responding. Its owner calls `checkTimeouts` regularly. */
export class ReconnectingWebSocket {
  readonly #options: SocketOptions;
  readonly #timings: Timings;
  #socket: SocketLike | null = null;
  #open = false;
  #failures = 0;
  #connection: ConnectionStatus = "live";
  #retryAt = 0;
  /** When the socket must have opened or answered. */
  #deadline = Number.POSITIVE_INFINITY;
  #pingAt = Number.POSITIVE_INFINITY;

  constructor(options: SocketOptions, timings: Timings) {
    this.#options = options;
    this.#timings = timings;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Connect without waiting for the backoff. An open socket is pinged instead. */
  connectNow(): void {
    this.resetBackoff();
    this.#retryAt = 0;
    if (this.#open) this.checkConnection();
    else this.#connect();
  }

  /** Connect if the backoff has passed. */
  connectIfDue(): void {
    if (Date.now() >= this.#retryAt) this.#connect();
  }

  /** Reset the backoff: the service responded. */
  resetBackoff(): void {
    this.#failures = 0;
  }

  /** Ping an open socket, which must answer in time. Report the status of any other. */
  checkConnection(): void {
    if (!this.#open) this.#setConnection(this.#unconnected());
    else if (this.#deadline === Number.POSITIVE_INFINITY) this.#ping();
  }

  /** Replace a socket that did not respond in time, send a ping that is due, and reconnect when the backoff ends. */
  checkTimeouts(now: number): void {
    if (now >= this.#deadline) this.reconnect();
    if (this.#open && now >= this.#pingAt) this.#ping();
    this.connectIfDue();
    if (!this.#open) this.#setConnection(this.#unconnected());
  }

  /** Drop the socket and open another. The first break is usually the gateway's, so only later ones wait. */
  reconnect(): void {
    this.#drop();
    this.#failures += 1;
    const { firstReconnect, longestReconnect } = this.#timings;
    const delay = this.#failures <= 1 ? 0 : backoffDelay(this.#failures - 2, firstReconnect, longestReconnect);
    this.#retryAt = Date.now() + (isOffline() ? longestReconnect : delay);
    this.#setConnection(this.#unconnected());
    if (delay === 0 && !isOffline()) this.#connect();
  }

  send(message: object): void {
    try {
      this.#socket?.send(JSON.stringify(message));
    } catch {
      this.reconnect();
    }
  }

  /** Close the socket until `connectNow`. */
  close(): void {
    this.#drop();
    this.#setConnection("live");
  }

  #connect(): void {
    if (this.#socket !== null || this.#deadline !== Number.POSITIVE_INFINITY || !this.#options.isNeeded()) return;
    const deadline = Date.now() + this.#timings.responseTimeout;
    this.#deadline = deadline;
    this.#setConnection(this.#unconnected());
    this.#options.socketUrl().then(
      (url) => {
        if (this.#deadline === deadline) this.#openSocket(url);
      },
      () => {
        if (this.#deadline === deadline) this.reconnect();
      },
    );
  }

  #openSocket(url: string): void {
    let socket: SocketLike;
    try {
      socket = this.#options.openSocket(url);
    } catch {
      this.reconnect();
      return;
    }
    this.#socket = socket;
    const current = (then: () => void) => () => {
      if (this.#socket === socket) then();
    };
    socket.addEventListener(
      "open",
      current(() => this.#onOpen()),
    );
    socket.addEventListener(
      "close",
      current(() => this.reconnect()),
    );
    socket.addEventListener("message", (event) => {
      if (this.#socket !== socket) return;
      this.#deadline = Number.POSITIVE_INFINITY;
      this.#options.onMessage(parseMessage(event.data));
    });
  }

  #onOpen(): void {
    this.#open = true;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#pingAt = Date.now() + this.#timings.ping;
    this.#options.onOpen();
    if (this.#open) this.#setConnection("live");
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#open = false;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#pingAt = Number.POSITIVE_INFINITY;
    socket?.close();
  }

  #ping(): void {
    const now = Date.now();
    this.#deadline = now + this.#timings.responseTimeout;
    this.#pingAt = now + this.#timings.ping;
    this.send({ action: "ping" });
  }

  #unconnected(): ConnectionStatus {
    if (isOffline()) return "offline";
    if (!this.#options.isNeeded()) return "live";
    return this.#failures <= 1 ? "connecting" : "polling";
  }

  #setConnection(connection: ConnectionStatus): void {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#options.onConnectionChange(connection);
  }
}

function parseMessage(data: unknown): Record<string, unknown> {
  try {
    const message: unknown = typeof data === "string" ? JSON.parse(data) : null;
    return isRecord(message) ? message : {};
  } catch {
    return {};
  }
}
