import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { hasEnded } from "@/contract/types";
import { formatDateTime } from "@/messages/format";
import { kindTitle } from "@/messages/kind-texts";
import { type ServiceError, toServiceError } from "@/service/error";
import { useLoadedImage } from "@/service/presigned-url";
import { Button, EmptyState, ErrorNotice, Icon, Loading, VisuallyHidden } from "@/ui";
import { JobCard } from "./job-card";
import styles from "./job-page.module.css";
import { JobWithoutResult } from "./job-without-result";
import { pictures } from "./outputs";
import { Recipe } from "./recipe";
import { ResultView } from "./result";
import { stateText } from "./status-text";
import { refresh, trackJob, useJobs } from "./store";
import type { TrackedJob } from "./tracked-job";

/** The page of one job: its progress, then its result. */
export function JobPage({ id }: { id: string }) {
  const { t } = useTranslation("jobs");
  const entry = useJobs(({ entries }) => entries[id]);
  const [error, setError] = useState<ServiceError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const known = entry !== undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: fetched again after a retry, and when the job is no longer tracked
  useEffect(() => {
    let shown = true;
    trackJob(id)
      .then(() => shown && setError(null))
      .catch((thrown: unknown) => shown && setError(toServiceError(thrown)));
    return () => {
      shown = false;
    };
  }, [id, attempt, known]);

  return (
    <div className={styles.page}>
      <Link href="/jobs" className={styles.back}>
        <Icon name="back" />
        {t("page.back")}
      </Link>
      {entry ? (
        <JobView entry={entry} />
      ) : error?.code === "not_found" ? (
        <EmptyState icon="jobs" title={t("page.not_found")}>
          <p>{t("page.not_found_text")}</p>
        </EmptyState>
      ) : error ? (
        <ErrorNotice
          error={error}
          action={
            <Button icon="again" onClick={() => setAttempt(attempt + 1)}>
              {t("result.retry")}
            </Button>
          }
        />
      ) : (
        <Loading>{t("page.loading")}</Loading>
      )}
    </div>
  );
}

function JobView({ entry }: { entry: TrackedJob }) {
  const { t, i18n } = useTranslation("jobs");
  const { job } = entry;
  const [wasOpen] = useState(() => !hasEnded(job));
  const result = job.state === "completed" ? (job.result ?? null) : null;
  const first = result?.videos.length === 0 ? pictures(result)[0] : undefined;
  const loadedImage = useLoadedImage(first?.key ?? "", (wasOpen && first?.url) || null);
  // The last progress image stays until the result is loaded.
  const awaitsImage = wasOpen && Boolean(first?.url) && loadedImage?.key !== first?.key;
  return (
    <>
      <header>
        <h1>{kindTitle(job.kind, t)}</h1>
        <p className={styles.created}>
          <time dateTime={job.created_at}>
            {t("page.created", { when: formatDateTime(job.created_at, i18n.language) })}
          </time>
        </p>
      </header>
      {!hasEnded(job) || awaitsImage ? (
        <JobCard entry={entry} linked={false} />
      ) : (
        <>
          <div aria-live="polite">
            <VisuallyHidden>{wasOpen ? stateText(job.state, t) : ""}</VisuallyHidden>
          </div>
          {result ? (
            <ResultView job={job} result={result} refreshUrls={() => void refresh(job.job_id)} revealed={wasOpen} />
          ) : (
            <JobWithoutResult job={job} />
          )}
          <Recipe job={job} />
        </>
      )}
    </>
  );
}
