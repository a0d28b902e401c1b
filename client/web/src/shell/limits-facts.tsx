import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isKind } from "@/contract/schemas";
import type { LimitsNow } from "@/contract/types";
import { answered, api } from "@/service/api";
import { Notice, Spinner } from "@/ui";

/** What the caller may still ask for: the day's budget, and each kind's rate. */
export function LimitsFacts({ className }: { className: string }) {
  const { t, i18n } = useTranslation(["shell", "jobs"]);
  const [limits, setLimits] = useState<LimitsNow | "failed" | null>(null);
  useEffect(() => {
    let shown = true;
    answered(api.GET("/limits")).then(
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
    <dl className={className}>
      {daily_usd !== null && (
        <>
          <dt>{t("settings.budget")}</dt>
          <dd>
            {t("settings.budget_value", {
              left: money.format(Math.max(0, daily_usd - spent_usd)),
              all: money.format(daily_usd),
            })}
          </dd>
        </>
      )}
      {Object.entries(limits.rates).map(([subject, rate]) => (
        <RateFact key={subject} subject={subject} rate={rate} />
      ))}
    </dl>
  );
}

function RateFact({ subject, rate }: { subject: string; rate: LimitsNow["rates"][string] }) {
  const { t } = useTranslation(["shell", "jobs"]);
  return (
    <>
      <dt>{isKind(subject) ? t(`jobs:kinds.${subject}`) : t("settings.prompts")}</dt>
      <dd>{t("settings.rate_value", { left: rate.remaining, count: rate.limit, seconds: rate.window_seconds })}</dd>
    </>
  );
}
