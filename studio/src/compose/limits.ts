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
  const [again, setAgain] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another kind, or the end of a window, asks anew
  useEffect(() => {
    let wanted = true;
    unwrap(api.GET("/limits")).then(
      (limits) => {
        if (!wanted) return;
        setKnown({ limits, at: Date.now() });
        setNow(Date.now());
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [kind, again]);

  const said = known?.limits.rates[kind];
  const seconds = known && said ? Math.ceil(said.reset_seconds - (now - known.at) / SECOND) : 0;
  const spent = said !== undefined && said.remaining < said.limit;
  useEffect(() => {
    if (!spent) return;
    const timer = setInterval(() => setNow(Date.now()), SECOND);
    return () => clearInterval(timer);
  }, [spent]);
  const ended = spent && seconds <= 0;
  useEffect(() => {
    if (ended) setAgain((count) => count + 1);
  }, [ended]);

  const { spent_usd = 0, daily_usd = null } = known?.limits.budget ?? {};
  const open = said && seconds > 0;
  return {
    rate: open ? { remaining: said.remaining, limit: said.limit, seconds } : null,
    budget: daily_usd ? Math.max(0, 1 - spent_usd / daily_usd) : null,
  };
}
