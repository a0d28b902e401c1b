import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { TERMINAL } from "@/contract/types";
import { moment } from "@/messages/format";
import { type ServiceError, toServiceError } from "@/service/error";
import { useArrived } from "@/service/presigned-url";
import { Button, EmptyState, Hidden, Icon, Trouble, Waiting } from "@/ui";
import { JobCard } from "./job-card";
import styles from "./job-page.module.css";
import { Ended } from "./job-without-result";
import { pictures } from "./outputs";
import { Recipe } from "./recipe";
import { ResultView } from "./result";
import { refresh, useJobs, watch } from "./store";
import type { Entry } from "./tracked-job";

/** One job: as it develops, then what came out of it. */
export function JobPage({ id }: { id: string }) {
  const { t } = useTranslation("jobs");
  const entry = useJobs(({ entries }) => entries[id]);
  const [error, setError] = useState<ServiceError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const known = entry !== undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt asks again, and so does a job that is gone
  useEffect(() => {
    let shown = true;
    watch(id)
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
        <EmptyState icon="jobs" title={t("page.missing")}>
          <p>{t("page.missing_text")}</p>
        </EmptyState>
      ) : error ? (
        <Trouble
          error={error}
          action={
            <Button icon="again" onClick={() => setAttempt(attempt + 1)}>
              {t("result.once_more")}
            </Button>
          }
        />
      ) : (
        <Waiting>{t("page.loading")}</Waiting>
      )}
    </div>
  );
}

function JobView({ entry }: { entry: Entry }) {
  const { t, i18n } = useTranslation("jobs");
  const { job } = entry;
  const [developed] = useState(() => !TERMINAL.has(job.state));
  const result = job.state === "completed" ? (job.result ?? null) : null;
  const first = result?.videos.length === 0 ? pictures(result)[0] : undefined;
  const arrived = useArrived(first?.key ?? "", (developed && first?.url) || null);
  // The last look stays until the picture can take its place.
  const arrives = developed && Boolean(first?.url) && arrived?.key !== first?.key;
  return (
    <>
      <header>
        <h1>{t(`kinds.${job.kind}`)}</h1>
        <p className={styles.asked}>
          <time dateTime={job.created_at}>{t("page.asked", { when: moment(job.created_at, i18n.language) })}</time>
        </p>
      </header>
      {!TERMINAL.has(job.state) || arrives ? (
        <JobCard entry={entry} linked={false} />
      ) : (
        <>
          <div aria-live="polite">
            <Hidden>{developed ? t(`states.${job.state}`) : ""}</Hidden>
          </div>
          {result ? (
            <ResultView job={job} result={result} renew={() => void refresh(job.job_id)} revealed={developed} />
          ) : (
            <Ended job={job} />
          )}
          <Recipe job={job} />
        </>
      )}
    </>
  );
}
