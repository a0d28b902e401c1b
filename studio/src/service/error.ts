/** Errors of the service, the network and the session, with stable codes. */
import type { ErrorCode, FieldError } from "@/contract/types";

/** Codes of the studio itself, beside the contract's: network, sign-in, and lost files. */
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

interface ServiceErrorOptions {
  /** The HTTP status, if there was a response. */
  status?: number | null;
  /** Validation errors by field. */
  errors?: FieldError[];
  retryable?: boolean;
  /** Seconds. */
  retryAfter?: number | null;
  cause?: unknown;
}

/** An error of the service, of S3 or of the network. `message` is in English. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** One of `ErrorCode` or `StudioCode`; a newer service may have others. */
  readonly code: string;
  /** The HTTP status; null if there was no response. */
  readonly status: number | null;
  /** Validation errors by path (`params.style`); else empty. */
  readonly errors: FieldError[];
  /** Whether a retry may succeed. */
  readonly retryable: boolean;
  /** Seconds to wait before a retry; null if the service does not say. */
  readonly retryAfter: number | null;

  constructor(code: ErrorCode | StudioCode | (string & {}), message: string, options: ServiceErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? null;
    this.errors = options.errors ?? [];
    this.retryable = options.retryable ?? false;
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** Error codes for responses of a gateway, which have no problem details. */
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

/** Whether a status is transient. */
export const isTransient = (status: number): boolean => status === 429 || status >= 500;

/** The error of an unsuccessful response: problem details (RFC 9457), or a gateway's own body. */
export function errorFromResponse(response: Response, body: unknown): ServiceError {
  const { status } = response;
  const fields = isRecord(body) ? body : {};
  const code = text(fields.code) ?? CODES[status] ?? (status >= 500 ? "internal" : "invalid_request");
  const message = text(fields.detail) ?? text(fields.title) ?? text(fields.message) ?? `HTTP ${status}`;
  return new ServiceError(code, message, {
    status,
    errors: Array.isArray(fields.errors) ? fields.errors.filter(isFieldError) : [],
    retryable: isTransient(status),
    retryAfter: parseRetryAfter(response.headers.get("Retry-After")),
  });
}

/** Convert anything thrown to a `ServiceError`; an unknown error is a bug of the studio. */
export function toServiceError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  if (isAbort(thrown)) return new ServiceError("cancelled", "Stopped.", { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ServiceError("internal", message, { cause: thrown });
}

/** Whether an error is an abort. */
const isAbort = (thrown: unknown): boolean => thrown instanceof DOMException && thrown.name === "AbortError";

/** Whether a value is a non-null object that is no array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parseRetryAfter(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}
