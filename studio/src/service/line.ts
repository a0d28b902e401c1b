/** What the channel stands on, and how often things happen on it. */
import type { Job } from "@/contract/types";
import { isRecord, type ServiceError } from "./error";

/** How news arrives at the moment. `live` is also said when there is nothing to wait for. */
export type Connection = "live" | "connecting" | "polling" | "offline";

/** What the channel needs of a WebSocket. */
export type SocketLike = Pick<WebSocket, "send" | "close" | "addEventListener">;

/** How often things happen, in milliseconds. */
export interface Pace {
  /** Between two looks at a job while there is no socket. */
  poll: number;
  /** A silence about a job that is checked by one GET: a lost push must not hide the end of a job. */
  quiet: number;
  /** API Gateway cuts a socket that was idle for ten minutes. */
  ping: number;
  /** In which a socket must open, and a ping be answered. */
  answer: number;
  firstReconnect: number;
  longestReconnect: number;
  /** How long a socket that nobody needs is kept for the next job. */
  idle: number;
}

export const PACE: Pace = {
  poll: 2_000,
  quiet: 30_000,
  ping: 240_000,
  answer: 10_000,
  firstReconnect: 500,
  longestReconnect: 30_000,
  idle: 60_000,
};

/** What the channel stands on, and whom it tells. */
export interface Line {
  /** The socket's URL with a token that is good now. */
  address(): Promise<string>;
  open(url: string): SocketLike;
  /** `GET /jobs/{id}`. */
  look(jobId: string): Promise<Job>;
  /** A state with a larger `seq` than any before. */
  onJob(job: Job): void;
  /** A job cannot be followed (any longer): it is not there, or not this caller's. */
  onTrouble(jobId: string, error: ServiceError): void;
  onConnection(connection: Connection): void;
}

/** A message of the socket; without fields when it is no JSON object. */
export function parsed(data: unknown): Record<string, unknown> {
  try {
    const message: unknown = typeof data === "string" ? JSON.parse(data) : null;
    return isRecord(message) ? message : {};
  } catch {
    return {};
  }
}

/** Whether something is a job as far as the channel looks at it; the contract vouches for the rest. */
export function isJob(value: unknown): value is Job {
  return (
    isRecord(value) &&
    typeof value.job_id === "string" &&
    typeof value.seq === "number" &&
    typeof value.state === "string" &&
    typeof value.kind === "string"
  );
}
