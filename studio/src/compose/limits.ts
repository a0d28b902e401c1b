/**
 * The caller's remaining limits: fetched from the service, counted down locally, and fetched again when a window ends.
 */
import { useEffect, useState } from "react";
import type { Kind, LimitsNow } from "@/contract/types";
import { api, unwrap } from "@/service/api";

/** The current rate limit of a kind. `seconds`: until its window ends. */
export interface Rate {
  remaining: number;
  limit: number;
  seconds: number;
}

/** What remains of a kind's rate and of the daily budget (0 to 1). Null if unknown or unlimited. */
export interface RemainingLimits {
  rate: Rate | null;
  budget: number | null;
}

/** The fraction of a rate from which on the page warns. */
export const LOW_SHARE = 0.34;
const SECOND = 1000;

/** The remaining limits of a kind. They are only advice here, so a failed request is no error. */
export function useRemainingLimits(kind: Kind): RemainingLimits {
  const [known, setKnown] = useState<{ limits: LimitsNow; at: number } | null>(null);
  const [now, setNow] = useState(() => Date.now());
  const [fetchCount, setFetchCount] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: fetched again for another kind, and at the end of a window
  useEffect(() => {
    let active = true;
    unwrap(api.GET("/limits")).then(
      (limits) => {
        if (!active) return;
        setKnown({ limits, at: Date.now() });
        setNow(Date.now());
      },
      () => undefined,
    );
    return () => {
      active = false;
    };
  }, [kind, fetchCount]);

  const kindRate = known?.limits.rates[kind];
  const seconds = known && kindRate ? Math.ceil(kindRate.reset_seconds - (now - known.at) / SECOND) : 0;
  const used = kindRate !== undefined && kindRate.remaining < kindRate.limit;
  useEffect(() => {
    if (!used) return;
    const timer = setInterval(() => setNow(Date.now()), SECOND);
    return () => clearInterval(timer);
  }, [used]);
  const windowEnded = used && seconds <= 0;
  useEffect(() => {
    if (windowEnded) setFetchCount((count) => count + 1);
  }, [windowEnded]);

  const { spent_usd = 0, daily_usd = null } = known?.limits.budget ?? {};
  const hasWindow = kindRate && seconds > 0;
  return {
    rate: hasWindow ? { remaining: kindRate.remaining, limit: kindRate.limit, seconds } : null,
    budget: daily_usd ? Math.max(0, 1 - spent_usd / daily_usd) : null,
  };
}
