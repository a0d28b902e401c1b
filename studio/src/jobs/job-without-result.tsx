import { useTranslation } from "react-i18next";
import type { Job } from "@/contract/types";
import { money } from "@/messages/format";
import { Buttons, Notice, Trouble } from "@/ui";
import { AgainWithChanges, OnceMore } from "./rerun-buttons";

/** A job that made nothing: why, and the way on. */
export function Ended({ job }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const arrived = Object.values(job.uploads).every(({ received, asset_id, avatar }) => received || asset_id || avatar);
  return (
    <>
      {job.state === "failed" && job.error ? (
        <Trouble error={job.error} />
      ) : (
        <Notice tone="warning" title={t(job.state === "expired" ? "ended.expired" : `states.${job.state}`)}>
          <p>{t(job.state === "expired" ? "ended.expired_text" : "ended.cancelled_text")}</p>
        </Notice>
      )}
      {job.cost_usd != null && job.cost_usd > 0 && (
        <p>{t("ended.cost", { cost: money(job.cost_usd, i18n.language) })}</p>
      )}
      <Buttons>
        {arrived && (job.state === "cancelled" || job.error?.retryable) && <OnceMore job={job} />}
        <AgainWithChanges job={job} />
      </Buttons>
    </>
  );
}
