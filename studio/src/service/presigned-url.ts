/** Pictures behind presigned links: every answer of the service brings other links to the same picture. */
import { useEffect, useRef, useState } from "react";

/** A link that stays the same while it works, so that nothing is fetched twice. */
export interface PresignedUrl {
  url: string | null;
  /** For `onError` of what shows it: the link ended, or the picture is gone. */
  onError(): void;
  /** True when fresh links failed, too: there is nothing to show. */
  broken: boolean;
}

interface UrlState {
  key: string;
  url: string | null;
  /** The link that failed last. */
  failedUrl: string | null;
  failures: number;
}

const MOST_FAILURES = 3;
/** In which a fresh link should come. */
const PATIENCE_MILLISECONDS = 15_000;

/**
 * The link to what `key` names. The first one is kept however many others come, until it `failed`: then `renew` is
 * asked for another, and the next that is not the same is taken. One that does not come is asked for again, and once
 * more whenever the network is back.
 */
export function usePresignedUrl(key: string, newest: string | null | undefined, refreshUrls: () => void): PresignedUrl {
  const fresh: UrlState = { key, url: newest ?? null, failedUrl: null, failures: 0 };
  const [state, setHeld] = useState(fresh);
  let now = state;
  if (state.key !== key) now = fresh;
  else if (state.url === null && newest && newest !== state.failedUrl) now = { ...state, url: newest };
  if (now !== state) setHeld(now);
  const ask = (failedUrl: string | null, failures: number) => {
    setHeld({ key, url: null, failedUrl, failures });
    if (failures < MOST_FAILURES) refreshUrls();
  };
  const again = useRef(ask);
  useEffect(() => {
    again.current = ask;
  });
  const { url, failedUrl, failures } = now;
  useEffect(() => {
    if (url !== null || failedUrl === null) return;
    const late = () => again.current(failedUrl, failures + 1);
    const back = () => again.current(failedUrl, 1);
    const timer = failures < MOST_FAILURES ? setTimeout(late, PATIENCE_MILLISECONDS) : undefined;
    addEventListener("online", back);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", back);
    };
  }, [url, failedUrl, failures]);
  return {
    url,
    broken: failures >= MOST_FAILURES,
    onError() {
      if (url !== null) ask(url, failures + 1);
    },
  };
}

/** A picture to be shown: `key` names it whatever its link. */
export interface LoadedImage {
  key: string;
  url: string;
}

/** The newest picture that is there to the last byte; the one before it until then, so that nothing flickers. */
export function useLoadedImage(key: string, url: string | null): LoadedImage | null {
  const [arrived, setArrived] = useState<LoadedImage | null>(null);
  useEffect(() => {
    if (url === null) return;
    let wanted = true;
    void arrival(url).then(() => {
      if (wanted) setArrived({ key, url });
    });
    return () => {
      wanted = false;
    };
  }, [key, url]);
  return arrived;
}

/** Ends when the picture can be drawn, or cannot be had: what shows it finds out for itself. */
async function arrival(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  if (!("decode" in image)) return;
  await image.decode().catch(() => undefined);
}

/** Looks after a link, while `needed`: where what shows its picture says nothing of failures. */
export function useUrlCheck({ url, onError }: PresignedUrl, needed: boolean): void {
  const tell = useRef(onError);
  useEffect(() => {
    tell.current = onError;
  });
  useEffect(() => {
    if (url === null || !needed) return;
    const probe = new Image();
    probe.onerror = () => tell.current();
    probe.src = url;
    return () => {
      probe.onerror = null;
    };
  }, [url, needed]);
}
