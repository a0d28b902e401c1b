import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { hasEnded } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { Button, ButtonRow, buttonClass, ErrorNotice, Icon, useAction } from "@/ui";
import styles from "./job-card.module.css";
import { JobProgress } from "./job-progress";
import { ProgressImage } from "./progress-image";
import { cancel, refresh, retryUploads, useJobs } from "./store";
import type { TrackedJob } from "./tracked-job";

interface JobCardProps {
  entry: TrackedJob;
  /** Whether to link to the job's own page. */
  linked?: boolean;
}

/** A card for a job: its picture, progress and actions. */
export function JobCard({ entry, linked = true }: JobCardProps) {
  const { t } = useTranslation("jobs");
  const { job, uploadError } = entry;
  const open = !hasEnded(job);
  const cancellation = useAction();
  const uploadRetry = useAction();
  return (
    <article className={styles.card} aria-label={kindTitle(job.kind, t)}>
      <ProgressImage job={job} refreshUrls={() => void refresh(job.job_id)} />
      <div className={styles.status}>
        <JobProgress entry={entry} />
        {open && <ConnectionNotice />}
        {uploadError && (
          <ErrorNotice
            error={uploadError}
            action={
              job.state === "awaiting_upload" ? (
                <Button
                  icon="upload"
                  busy={uploadRetry.busy}
                  onClick={() => uploadRetry.run(() => retryUploads(job.job_id))}
                >
                  {t("retry_upload")}
                </Button>
              ) : undefined
            }
          />
        )}
        {cancellation.error && <ErrorNotice error={cancellation.error} />}
        <ButtonRow>
          {linked && (
            <Link href={`/jobs/${job.job_id}`} className={buttonClass("secondary")}>
              {t("open")}
            </Link>
          )}
          {open && (
            <Button icon="stop" busy={cancellation.busy} onClick={() => cancellation.run(() => cancel(job.job_id))}>
              {t("cancel")}
            </Button>
          )}
        </ButtonRow>
      </div>
    </article>
  );
}

const GRACE_MILLISECONDS = 2500;

/** A notice that updates are delayed, shown after the connection was down for a moment. */
function ConnectionNotice() {
  const { t } = useTranslation("jobs");
  const connection = useJobs((state) => state.connection);
  const live = connection === "live";
  const [persists, setPersists] = useState(false);
  useEffect(() => {
    if (live) return setPersists(false);
    const timer = setTimeout(() => setPersists(true), GRACE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [live]);
  return (
    <p className={styles.connection} role="status">
      {!live && persists && (
        <>
          <Icon name="offline" size={18} />
          {t(`connection.${connection}`)}
        </>
      )}
    </p>
  );
}
