import { useTranslation } from "react-i18next";
import type { Job } from "@/contract/types";
import { formatUsd } from "@/messages/format";
import { ButtonRow, ErrorNotice, Notice } from "@/ui";
import { EditAndRerunButton, RerunButton } from "./rerun-buttons";
import { stateText } from "./status-text";

/** The view of a job that ended without a result: the reason, and what to do. */
export function JobWithoutResult({ job }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const arrived = Object.values(job.uploads).every(({ received, asset_id, avatar }) => received || asset_id || avatar);
  return (
    <>
      {job.state === "failed" && job.error ? (
        <ErrorNotice error={job.error} />
      ) : (
        <Notice tone="warning" title={job.state === "expired" ? t("ended.expired") : stateText(job.state, t)}>
          <p>{t(job.state === "expired" ? "ended.expired_text" : "ended.cancelled_text")}</p>
        </Notice>
      )}
      {job.cost_usd != null && job.cost_usd > 0 && (
        <p>{t("ended.cost", { cost: formatUsd(job.cost_usd, i18n.language) })}</p>
      )}
      <ButtonRow>
        {arrived && (job.state === "cancelled" || job.error?.retryable) && <RerunButton job={job} />}
        <EditAndRerunButton job={job} />
      </ButtonRow>
    </>
  );
}
