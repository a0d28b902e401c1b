import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Job } from "@/contract/types";
import { again, useDrafts } from "@/drafts/draft";
import { Button, Trouble, useAction } from "@/ui";
import { rerun } from "./store";

/** The same job with changes: its draft is laid out where such jobs are made. */
export function AgainWithChanges({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const [, navigate] = useLocation();
  return (
    <Button
      icon="again"
      onClick={() => {
        useDrafts.getState().put(again(job));
        navigate(`/make/${job.kind}`);
      }}
    >
      {t("result.again")}
    </Button>
  );
}

/** The same job once more, as it was: then this page goes on with the new one. */
export function OnceMore({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const [, navigate] = useLocation();
  const { busy, error, run } = useAction();
  // The same key for every press: it is one job, even if an answer was lost.
  const key = useRef(crypto.randomUUID());
  return (
    <>
      <Button
        look="primary"
        icon="again"
        busy={busy}
        disabled={busy}
        onClick={() => run(async () => navigate(`/jobs/${await rerun(job.job_id, key.current)}`))}
      >
        {t("result.once_more")}
      </Button>
      {error && <Trouble error={error} />}
    </>
  );
}
