/** What the person may still ask for, as the service says it, counted down until its windows end. */
import { useEffect, useState } from "react";
import type { Kind, LimitsNow } from "@/contract/types";
import { api, unwrap } from "@/service/api";

/** A kind's rate as it stands. `seconds`: until the window ends. */
export interface Rate {
  remaining: number;
  limit: number;
  seconds: number;
}

/** What is left of one kind's rate, and of the day's budget from 0 to 1; null where nobody knows or all is allowed. */
export interface RemainingLimits {
  rate: Rate | null;
  budget: number | null;
}

/** A rate is worth a word when this share of it is left, or less. */
export const LOW_SHARE = 0.34;
const SECOND = 1000;

/** What is left of a kind's limits. They are only advice here, so an answer that does not come is no error. */
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
