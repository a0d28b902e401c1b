/** Network helpers: backoff, offline detection, and fetch with a timeout. */
import { ServiceError } from "./error";

const REQUEST_SECONDS = 30;
const OFFLINE_SECONDS = 30;

/** The backoff in milliseconds after the `attempt`-th failure (from 0): exponential, with jitter, at most `longest`. */
export function backoffDelay(attempt: number, first = 250, longest = 8_000): number {
  return Math.min(longest, first * 2 ** Math.min(attempt, 16)) * (0.5 + Math.random() / 2);
}

/** Wait; an abort ends it early and throws the signal's reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    function done() {
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Whether the browser reports that it is offline. Addresses of this machine still respond then. */
export const isOffline = (): boolean => navigator.onLine === false;

/** Wait while the browser is offline, half a minute at most, because browsers do not always notice. */
export async function untilOnline(signal?: AbortSignal): Promise<void> {
  if (!isOffline()) return;
  const online = new AbortController();
  const stop = () => online.abort();
  addEventListener("online", stop, { once: true });
  try {
    await sleep(OFFLINE_SECONDS * 1000, signal ? AbortSignal.any([signal, online.signal]) : online.signal);
  } catch {
    signal?.throwIfAborted();
  } finally {
    removeEventListener("online", stop);
  }
}

/** The error for a host that is unreachable, or for a browser that is offline. */
export function unreachableError(host: string, cause: unknown): ServiceError {
  return isOffline()
    ? new ServiceError("offline", "This device is not connected to the internet.", { retryable: true, cause })
    : new ServiceError("unreachable", `${host} does not answer.`, { retryable: true, cause });
}

/** `fetch` with a timeout of half a minute. Throws `ServiceError` (`offline`, `unreachable`, `cancelled`). */
export async function fetchWithTimeout(input: Request | string, init: RequestInit = {}): Promise<Response> {
  const callerSignal = init.signal ?? (input instanceof Request ? input.signal : null);
  const timeout = AbortSignal.timeout(REQUEST_SECONDS * 1000);
  try {
    return await fetch(input, { ...init, signal: callerSignal ? AbortSignal.any([callerSignal, timeout]) : timeout });
  } catch (error) {
    if (callerSignal?.aborted) throw new ServiceError("cancelled", "Stopped.", { cause: error });
    throw unreachableError(new URL(input instanceof Request ? input.url : input, location.href).host, error);
  }
}
