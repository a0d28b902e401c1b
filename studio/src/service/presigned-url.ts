/** Pictures behind presigned links: every answer of the service brings other links to the same picture. */
import { useEffect, useRef, useState } from "react";

/** A link that stays the same while it works, so that nothing is fetched twice. */
export interface Steady {
  url: string | null;
  /** For `onError` of what shows it: the link ended, or the picture is gone. */
  failed(): void;
  /** True when fresh links failed, too: there is nothing to show. */
  broken: boolean;
}

interface Held {
  key: string;
  url: string | null;
  /** The link that failed last. */
  ended: string | null;
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
export function useSteady(key: string, newest: string | null | undefined, renew: () => void): Steady {
  const fresh: Held = { key, url: newest ?? null, ended: null, failures: 0 };
  const [held, setHeld] = useState(fresh);
  let now = held;
  if (held.key !== key) now = fresh;
  else if (held.url === null && newest && newest !== held.ended) now = { ...held, url: newest };
  if (now !== held) setHeld(now);
  const ask = (ended: string | null, failures: number) => {
    setHeld({ key, url: null, ended, failures });
    if (failures < MOST_FAILURES) renew();
  };
  const again = useRef(ask);
  useEffect(() => {
    again.current = ask;
  });
  const { url, ended, failures } = now;
  useEffect(() => {
    if (url !== null || ended === null) return;
    const late = () => again.current(ended, failures + 1);
    const back = () => again.current(ended, 1);
    const timer = failures < MOST_FAILURES ? setTimeout(late, PATIENCE_MILLISECONDS) : undefined;
    addEventListener("online", back);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", back);
    };
  }, [url, ended, failures]);
  return {
    url,
    broken: failures >= MOST_FAILURES,
    failed() {
      if (url !== null) ask(url, failures + 1);
    },
  };
}

/** A picture to be shown: `key` names it whatever its link. */
export interface Shown {
  key: string;
  url: string;
}

/** The newest picture that is there to the last byte; the one before it until then, so that nothing flickers. */
export function useArrived(key: string, url: string | null): Shown | null {
  const [arrived, setArrived] = useState<Shown | null>(null);
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
export function useProbe({ url, failed }: Steady, needed: boolean): void {
  const tell = useRef(failed);
  useEffect(() => {
    tell.current = failed;
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
