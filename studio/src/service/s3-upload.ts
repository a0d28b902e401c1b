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
    const answer = await post(form, file, onProgress, signal);
    if (answer !== null && answer.status >= 200 && answer.status < 300) return onProgress(1);
    if (answer === null && isOffline()) continue;
    attempt += 1;
    const [code, message] = answer === null ? ["", ""] : reasonOf(answer.text);
    const passing = answer === null || RETRIED_STATUSES.has(answer.status) || RETRIED_CODES.has(code);
    if (attempt >= ATTEMPTS || !passing) {
      if (answer === null) throw unreachableError(new URL(form.url).host, null);
      throw s3Error(answer.status, code, message, passing);
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
    const exchange = new XMLHttpRequest();
    let stalled = 0;
    const wait = () => {
      clearTimeout(stalled);
      stalled = window.setTimeout(() => exchange.abort(), STALLED_SECONDS * 1000);
    };
    const stop = () => exchange.abort();
    exchange.upload.addEventListener("progress", ({ loaded, total }) => {
      wait();
      if (total > 0) onProgress(Math.min(1, loaded / total));
    });
    exchange.addEventListener("loadend", () => {
      clearTimeout(stalled);
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason);
      else resolve(exchange.status === 0 ? null : { status: exchange.status, text: exchange.responseText });
    });
    signal?.addEventListener("abort", stop, { once: true });
    onProgress(0);
    exchange.open("POST", url);
    exchange.send(form);
    wait();
  });
}

function s3Error(status: number, code: string, message: string, passing: boolean): ServiceError {
  const said = code ? `${code}: ${message}` : `HTTP ${status}`;
  return new ServiceError(errorCodeOf(code, message, passing), `The storage refused the upload (${said}).`, {
    status,
    retryable: passing,
  });
}

function errorCodeOf(code: string, message: string, passing: boolean): ErrorCode {
  if (code === "AccessDenied" && /expired/i.test(message)) return "upload_expired";
  if (code === "InvalidArgument" && /checksum/i.test(message)) return "checksum_mismatch";
  return REASONS[code] ?? (passing ? "internal" : "forbidden");
}

/** `Code` and `Message` of S3's XML error; empty for other bodies. */
function reasonOf(text: string): [code: string, message: string] {
  if (!text.trimStart().startsWith("<")) return ["", ""];
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  const said = (name: string) => parsed.getElementsByTagName(name)[0]?.textContent?.trim() ?? "";
  return [said("Code"), said("Message")];
}
