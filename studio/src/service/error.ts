/** Whatever goes wrong between the studio and the service, with a stable code. */
import type { ErrorCode, FieldError } from "@/contract/types";

/** Codes of the studio's own, beside the contract's: the way to the service, signing in, and files that are gone. */
export type StudioCode =
  | "offline"
  | "unreachable"
  | "no_deployment"
  | "sign_in_refused"
  | "sign_in_failed"
  | "sign_in_expired"
  | "sign_in_unsupported"
  | "too_many_attempts"
  | "password_reset_required"
  | "weak_password"
  | "wrong_code"
  | "files_lost"
  | "choose_again";

interface Particulars {
  /** The HTTP status, where there was an answer. */
  status?: number | null;
  /** What is wrong with a request, field by field. */
  errors?: FieldError[];
  retryable?: boolean;
  /** Seconds. */
  retryAfter?: number | null;
  cause?: unknown;
}

/** Something that the service, the storage or the network refused. `message` is in the service's words. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** One of `ErrorCode` or `StudioCode`; a newer service may know more. */
  readonly code: string;
  /** The HTTP status; null where nobody answered. */
  readonly status: number | null;
  /** What is wrong with the request, by path (`params.style`); empty where that is not the matter. */
  readonly errors: FieldError[];
  /** Whether the same may succeed when it is tried again. */
  readonly retryable: boolean;
  /** Seconds that the service asks to wait; null where it does not say. */
  readonly retryAfter: number | null;

  constructor(code: ErrorCode | StudioCode | (string & {}), message: string, particulars: Particulars = {}) {
    super(message, { cause: particulars.cause });
    this.code = code;
    this.status = particulars.status ?? null;
    this.errors = particulars.errors ?? [];
    this.retryable = particulars.retryable ?? false;
    this.retryAfter = particulars.retryAfter ?? null;
  }
}

/** What a gateway's bare answer means, where the service itself had no say. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "too_large",
  422: "invalid_request",
  429: "rate_limited",
};

/** Whether an answer of this status may be another one soon. */
export const isTransient = (status: number): boolean => status === 429 || status >= 500;

/** The error of an answer that is none of success: problem details (RFC 9457), or what a gateway says on its own. */
export function errorFromResponse(response: Response, body: unknown): ServiceError {
  const { status } = response;
  const said = isRecord(body) ? body : {};
  const code = text(said.code) ?? CODES[status] ?? (status >= 500 ? "internal" : "invalid_request");
  const message = text(said.detail) ?? text(said.title) ?? text(said.message) ?? `HTTP ${status}`;
  return new ServiceError(code, message, {
    status,
    errors: Array.isArray(said.errors) ? said.errors.filter(isFieldError) : [],
    retryable: isTransient(status),
    retryAfter: secondsOf(response.headers.get("Retry-After")),
  });
}

/** Any thrown thing as a `ServiceError`; what is none already, is a fault of the studio's own. */
export function toServiceError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  if (isAbort(thrown)) return new ServiceError("cancelled", "Stopped.", { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ServiceError("internal", message, { cause: thrown });
}

/** Whether something was stopped on purpose. */
export const isAbort = (thrown: unknown): boolean => thrown instanceof DOMException && thrown.name === "AbortError";

/** Whether a value is an object whose fields may be looked at. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function secondsOf(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}
