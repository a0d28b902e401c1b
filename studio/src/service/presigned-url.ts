/** Presigned URLs of pictures: kept while they work, refreshed after they expire. */
import { useEffect, useRef, useState } from "react";

/** A URL that stays the same while it works, so that nothing is fetched twice. */
export interface PresignedUrl {
  url: string | null;
  /** To be called on a load error: the URL has expired, or the picture is gone. */
  onError(): void;
  /** Whether refreshed URLs failed, too, and none is there to try. */
  broken: boolean;
}

interface UrlState {
  key: string;
  url: string | null;
  /** The URL that failed last. */
  failedUrl: string | null;
  /** URLs in a row that failed at once, or did not arrive. */
  failures: number;
}

const MAX_FAILURES = 3;
/** The time in which a refreshed URL should arrive. */
const REFRESH_TIMEOUT_MILLISECONDS = 15_000;
/** A URL that fails after this time has worked before, and has expired. */
const WORKED_MILLISECONDS = 60_000;

/**
 * A stable presigned URL of the file that `key` names. The first URL is kept until `onError`, although each response
 * brings another. Then `refreshUrls` is called, and the next different URL is used. It is called again after a timeout,
 * and when the browser is online again. URLs may expire any number of times while a page is open.
 */
export function usePresignedUrl(key: string, newest: string | null | undefined, refreshUrls: () => void): PresignedUrl {
  const fresh: UrlState = { key, url: newest ?? null, failedUrl: null, failures: 0 };
  const [state, setState] = useState(fresh);
  let current = state;
  if (state.key !== key) current = fresh;
  else if (state.url === null && newest && newest !== state.failedUrl) current = { ...state, url: newest };
  if (current !== state) setState(current);
  const requestUrl = (failedUrl: string | null, failures: number) => {
    setState({ key, url: null, failedUrl, failures });
    if (failures < MAX_FAILURES) refreshUrls();
  };
  const latestRequestUrl = useRef(requestUrl);
  useEffect(() => {
    latestRequestUrl.current = requestUrl;
  });
  const { url, failedUrl, failures } = current;
  const usedSince = useRef(0);
  useEffect(() => {
    if (url !== null) usedSince.current = Date.now();
  }, [url]);
  useEffect(() => {
    if (url !== null || failedUrl === null) return;
    const onTimeout = () => latestRequestUrl.current(failedUrl, failures + 1);
    const onOnline = () => latestRequestUrl.current(failedUrl, 1);
    const timer = failures < MAX_FAILURES ? setTimeout(onTimeout, REFRESH_TIMEOUT_MILLISECONDS) : undefined;
    addEventListener("online", onOnline);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", onOnline);
    };
  }, [url, failedUrl, failures]);
  return {
    url,
    broken: url === null && failures >= MAX_FAILURES,
    onError() {
      if (url === null) return;
      const worked = Date.now() - usedSince.current >= WORKED_MILLISECONDS;
      requestUrl(url, worked ? 1 : failures + 1);
    },
  };
}

/** A loaded picture: `key` identifies it whatever its URL. */
export interface LoadedImage {
  key: string;
  url: string;
}

/** The newest picture that is fully loaded; until then the previous one, so that nothing flickers. */
export function useLoadedImage(key: string, url: string | null): LoadedImage | null {
  const [loadedImage, setLoadedImage] = useState<LoadedImage | null>(null);
  useEffect(() => {
    if (url === null) return;
    let active = true;
    void decoded(url).then(() => {
      if (active) setLoadedImage({ key, url });
    });
    return () => {
      active = false;
    };
  }, [key, url]);
  return loadedImage;
}

/** Resolves when the picture is decoded or fails to; the element that shows it handles the error. */
async function decoded(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  if (!("decode" in image)) return;
  await image.decode().catch(() => undefined);
}

/** Checks a URL while `needed`, for elements that report no load errors themselves. */
export function useUrlCheck({ url, onError }: PresignedUrl, needed: boolean): void {
  const latestOnError = useRef(onError);
  useEffect(() => {
    latestOnError.current = onError;
  });
  useEffect(() => {
    if (url === null || !needed) return;
    const probe = new Image();
    probe.onerror = () => latestOnError.current();
    probe.src = url;
    return () => {
      probe.onerror = null;
    };
  }, [url, needed]);
}
