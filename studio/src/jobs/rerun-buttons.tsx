import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Job } from "@/contract/types";
import { draftFromJob, useDrafts } from "@/drafts/draft";
import { Button, ErrorNotice, useAction } from "@/ui";
import { rerun } from "./store";

/** A button that opens a job's kind with a draft of its params and inputs. */
export function EditAndRerunButton({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const [, navigate] = useLocation();
  return (
    <Button
      icon="again"
      onClick={() => {
        useDrafts.getState().put(draftFromJob(job));
        navigate(`/make/${job.kind}`);
      }}
    >
      {t("result.edit_and_rerun")}
    </Button>
  );
}

/** A button that reruns a job unchanged, and then shows the new one. */
export function RerunButton({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const [, navigate] = useLocation();
  const { busy, error, run } = useAction();
  // The same key for every press: it is one job, even if a response was lost.
  const key = useRef(crypto.randomUUID());
  return (
    <>
      <Button
        variant="primary"
        icon="again"
        busy={busy}
        disabled={busy}
        onClick={() => run(async () => navigate(`/jobs/${await rerun(job.job_id, key.current)}`))}
      >
        {t("result.retry")}
      </Button>
      {error && <ErrorNotice error={error} />}
    </>
  );
}
