/** Uploads to S3: one multipart POST with progress, and S3's XML errors as codes. */
import type { ErrorCode, PresignedPost } from "@/contract/types";
import { ServiceError } from "./error";
import { backoffDelay, isOffline, sleep, unreachableError, untilOnline } from "./network";

const ATTEMPTS = 4;
const STALLED_SECONDS = 60;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const RETRIED_CODES: ReadonlySet<string> = new Set([
  "RequestTimeout",
  "SlowDown",
  "InternalError",
  "ServiceUnavailable",
]);
const REASONS: Readonly<Record<string, ErrorCode>> = {
  EntityTooLarge: "too_large",
  EntityTooSmall: "empty_file",
  BadDigest: "checksum_mismatch",
  InvalidDigest: "checksum_mismatch",
  XAmzContentChecksumMismatch: "checksum_mismatch",
  XAmzContentSHA256Mismatch: "checksum_mismatch",
  ExpiredToken: "upload_expired",
  NoSuchBucket: "not_found",
};

/**
 * Upload `file` with a presigned POST, with retries on a bad connection.
 *
 * `onProgress` gets the fraction from 0 to 1; a retry starts at 0 again. Waits while the browser is offline. Throws
 * `ServiceError` with a code for S3's error, or the signal's reason if that is aborted.
 */
export async function uploadToS3(
  form: PresignedPost,
  file: Blob,
  onProgress: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 0; ; ) {
    await untilOnline(signal);
    signal?.throwIfAborted();
    const response = await post(form, file, onProgress, signal);
    if (response !== null && response.status >= 200 && response.status < 300) return onProgress(1);
    if (response === null && isOffline()) continue;
    attempt += 1;
    const [code, message] = response === null ? ["", ""] : reasonOf(response.text);
    const transient = response === null || RETRIED_STATUSES.has(response.status) || RETRIED_CODES.has(code);
    if (attempt >= ATTEMPTS || !transient) {
      if (response === null) throw unreachableError(new URL(form.url).host, null);
      throw s3Error(response.status, code, message, transient);
    }
    await sleep(backoffDelay(attempt - 1), signal);
  }
}

interface S3Response {
  status: number;
  text: string;
}

/**
 * One attempt; null if there was no response, or no progress for a minute. XMLHttpRequest, because `fetch` reports no
 * progress.
 */
function post(
  { url, fields }: PresignedPost,
  file: Blob,
  onProgress: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<S3Response | null> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stallTimer = 0;
    const restartTimer = () => {
      clearTimeout(stallTimer);
      stallTimer = window.setTimeout(() => request.abort(), STALLED_SECONDS * 1000);
    };
    const stop = () => request.abort();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      restartTimer();
      if (total > 0) onProgress(Math.min(1, loaded / total));
    });
    request.addEventListener("loadend", () => {
      clearTimeout(stallTimer);
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason);
      else resolve(request.status === 0 ? null : { status: request.status, text: request.responseText });
    });
    signal?.addEventListener("abort", stop, { once: true });
    onProgress(0);
    request.open("POST", url);
    request.send(form);
    restartTimer();
  });
}

function s3Error(status: number, code: string, message: string, transient: boolean): ServiceError {
  const description = code ? `${code}: ${message}` : `HTTP ${status}`;
  return new ServiceError(errorCodeOf(code, message, transient), `The storage refused the upload (${description}).`, {
    status,
    retryable: transient,
  });
}

function errorCodeOf(code: string, message: string, transient: boolean): ErrorCode {
  if (code === "AccessDenied" && /expired/i.test(message)) return "upload_expired";
  if (code === "InvalidArgument" && /checksum/i.test(message)) return "checksum_mismatch";
  return REASONS[code] ?? (transient ? "internal" : "forbidden");
}

/** `Code` and `Message` of S3's XML error; empty for other bodies. */
function reasonOf(text: string): [code: string, message: string] {
  if (!text.trimStart().startsWith("<")) return ["", ""];
  // No DOMParser: the page's policy (Trusted Types) forbids it. Both elements hold plain text.
  const elementText = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]?.trim() ?? "";
  return [elementText("Code"), elementText("Message")];
}
