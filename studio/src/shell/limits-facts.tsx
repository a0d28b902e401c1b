import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isKind } from "@/contract/schemas";
import type { LimitsNow } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { api, unwrap } from "@/service/api";
import { Fact, Facts, Notice, Spinner } from "@/ui";

const MINUTE_SECONDS = 60;

/** The caller's limits: the daily budget, and the rate of each kind. */
export function LimitsFacts() {
  const { t, i18n } = useTranslation("shell");
  const [limits, setLimits] = useState<LimitsNow | "failed" | null>(null);
  useEffect(() => {
    let shown = true;
    unwrap(api.GET("/limits")).then(
      (found) => shown && setLimits(found),
      () => shown && setLimits("failed"),
    );
    return () => {
      shown = false;
    };
  }, []);
  if (limits === null) return <Spinner />;
  if (limits === "failed") return <Notice tone="warning" title={t("settings.limits_failed")} />;
  const money = new Intl.NumberFormat(i18n.language, { style: "currency", currency: "USD" });
  const { spent_usd, daily_usd } = limits.budget;
  return (
    <Facts>
      {daily_usd !== null && (
        <Fact name={t("settings.budget")}>
          {t("settings.budget_value", {
            left: money.format(Math.max(0, daily_usd - spent_usd)),
            all: money.format(daily_usd),
          })}
        </Fact>
      )}
      {Object.entries(limits.rates).map(([subject, rate]) => (
        <RateFact key={subject} subject={subject} rate={rate} />
      ))}
    </Facts>
  );
}

function RateFact({ subject, rate }: { subject: string; rate: LimitsNow["rates"][string] }) {
  const { t } = useTranslation("shell");
  const { limit, remaining: left, window_seconds: seconds } = rate;
  return (
    <Fact
      name={isKind(subject) ? kindTitle(subject, t) : t(subject === "assets" ? "settings.assets" : "settings.prompts")}
    >
      {seconds % MINUTE_SECONDS === 0
        ? t("settings.rate_minutes", { left, limit, count: seconds / MINUTE_SECONDS })
        : t("settings.rate_seconds", { left, limit, count: seconds })}
    </Fact>
  );
}
