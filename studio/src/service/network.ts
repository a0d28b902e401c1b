/** The way to hosts: pauses that grow, being offline, and requests that end. */
import { ServiceError } from "./error";

const REQUEST_SECONDS = 30;
const OFFLINE_SECONDS = 30;

/**
 * Milliseconds to wait after the `attempt`-th failure (from 0): doubling, with jitter so that not all come back at the
 * same moment, never above `longest`.
 */
export function backoffDelay(attempt: number, first = 250, longest = 8_000): number {
  return Math.min(longest, first * 2 ** Math.min(attempt, 16)) * (0.5 + Math.random() / 2);
}

/** Waits; sooner over, with the signal's reason thrown, when that is aborted. */
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

/** Whether the browser knows that it has no network. This machine's own addresses answer all the same. */
export const isOffline = (): boolean => navigator.onLine === false;

/**
 * Waits while there is no network: until the browser says that it is back, and half a minute at most, because browsers
 * do not always notice.
 */
export async function untilOnline(signal?: AbortSignal): Promise<void> {
  if (!isOffline()) return;
  const back = new AbortController();
  const stop = () => back.abort();
  addEventListener("online", stop, { once: true });
  try {
    await sleep(OFFLINE_SECONDS * 1000, signal ? AbortSignal.any([signal, back.signal]) : back.signal);
  } catch {
    signal?.throwIfAborted();
  } finally {
    removeEventListener("online", stop);
  }
}

/** Nobody answered: because there is no network, or for whatever other reason. */
export function unreachableError(host: string, cause: unknown): ServiceError {
  return isOffline()
    ? new ServiceError("offline", "This device is not connected to the internet.", { retryable: true, cause })
    : new ServiceError("unreachable", `${host} does not answer.`, { retryable: true, cause });
}

/** `fetch` that ends after half a minute and fails with a `ServiceError` (`offline`, `unreachable`, `cancelled`). */
export async function fetchWithTimeout(input: Request | string, init: RequestInit = {}): Promise<Response> {
  const given = init.signal ?? (input instanceof Request ? input.signal : null);
  const limit = AbortSignal.timeout(REQUEST_SECONDS * 1000);
  try {
    return await fetch(input, { ...init, signal: given ? AbortSignal.any([given, limit]) : limit });
  } catch (error) {
    if (given?.aborted) throw new ServiceError("cancelled", "Stopped.", { cause: error });
    throw unreachableError(new URL(input instanceof Request ? input.url : input, location.href).host, error);
  }
}
