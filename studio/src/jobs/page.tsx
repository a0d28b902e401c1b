import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "wouter";
import { KINDS } from "@/contract/schemas";
import { hasEnded, type Job, type State } from "@/contract/types";
import { formatDateTime } from "@/messages/format";
import { kindTitle } from "@/messages/kind-texts";
import { api, unwrap } from "@/service/api";
import { usePagedList } from "@/service/paged-list";
import { Button, buttonClass, EmptyState, ErrorNotice, Field, Loading } from "@/ui";
import { JobThumbnail } from "./job-thumbnail";
import styles from "./page.module.css";
import { stateText, statusText } from "./status-text";
import { trackListedJob, useJobs } from "./store";

const STATES = [
  "awaiting_upload",
  "queued",
  "dispatched",
  "running",
  "completed",
  "failed",
  "cancelled",
  "expired",
] as const satisfies readonly State[];
const PAGE_SIZE = 24;

/** The job history page: the user's jobs, newest first, with filters for kind and state. */
export function JobsPage() {
  const { t } = useTranslation("jobs");
  const [search, setSearch] = useSearchParams();
  const kind = KINDS.find((one) => one === search.get("kind")) ?? null;
  const state = STATES.find((one) => one === search.get("state")) ?? null;
  const { items, hasMore, busy, error, loadMore } = usePagedList(`${kind}/${state}`, async (cursor) => {
    const query = { kind, status: state, cursor, limit: PAGE_SIZE };
    const page = await unwrap(api.GET("/jobs", { params: { query } }));
    for (const job of page.jobs) trackListedJob(job);
    return { items: page.jobs, cursor: page.cursor ?? null };
  });
  const choose = (name: "kind" | "state", value: string) =>
    setSearch(
      (now) => {
        if (value) now.set(name, value);
        else now.delete(name);
        return now;
      },
      { replace: true },
    );

  return (
    <div className={styles.page}>
      <header>
        <h1>{t("title")}</h1>
        <p className={styles.lead}>{t("lead")}</p>
      </header>
      <div className={styles.filters}>
        <Field label={t("filters.kind")}>
          {(control) => (
            <select {...control} value={kind ?? ""} onChange={({ target }) => choose("kind", target.value)}>
              <option value="">{t("filters.any_kind")}</option>
              {KINDS.map((one) => (
                <option key={one} value={one}>
                  {kindTitle(one, t)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t("filters.state")}>
          {(control) => (
            <select {...control} value={state ?? ""} onChange={({ target }) => choose("state", target.value)}>
              <option value="">{t("filters.any_state")}</option>
              {STATES.map((one) => (
                <option key={one} value={one}>
                  {t(`filters.states.${one}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {items.length === 0 && !hasMore && !busy && !error && (
        <EmptyList filtered={kind !== null || state !== null} clear={() => setSearch({}, { replace: true })} />
      )}
      <ul className={styles.list}>
        {items.map((job) => (
          <JobListItem key={job.job_id} job={job} />
        ))}
      </ul>
      {error && (
        <ErrorNotice
          title={t("list.failed")}
          error={error}
          action={
            <Button icon="again" onClick={loadMore}>
              {t("result.retry")}
            </Button>
          }
        />
      )}
      {busy && <Loading>{t("list.loading")}</Loading>}
      {hasMore && !busy && !error && (
        <Button className={styles.more} icon="down" onClick={loadMore}>
          {t("list.more")}
        </Button>
      )}
    </div>
  );
}

/** A job of the list, updated from the store while it is tracked. */
function JobListItem({ job: listed }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const tracked = useJobs(({ entries }) => entries[listed.job_id]?.job);
  // The same state with another presigned URL may be a refreshed one.
  const job = tracked && tracked.seq >= listed.seq ? tracked : listed;
  const open = !hasEnded(job);
  return (
    <li>
      <Link href={`/jobs/${job.job_id}`} className={styles.item}>
        <JobThumbnail job={job} />
        <span className={styles.name}>{kindTitle(job.kind, t)}</span>{" "}
        <span className={styles.state} data-state={job.state}>
          {open ? statusText(job, t) : stateText(job.state, t)}
        </span>{" "}
        <time className={styles.created} dateTime={job.created_at}>
          {formatDateTime(job.created_at, i18n.language)}
        </time>
        {open && <progress className={styles.bar} max={1} value={job.progress} aria-label={t("list.progress")} />}
      </Link>
    </li>
  );
}

function EmptyList({ filtered, clear }: { filtered: boolean; clear(): void }) {
  const { t } = useTranslation("jobs");
  if (filtered) {
    return (
      <EmptyState icon="jobs" title={t("list.no_match")} action={<Button onClick={clear}>{t("filters.clear")}</Button>}>
        <p>{t("list.no_match_text")}</p>
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon="make"
      title={t("list.empty")}
      action={
        <Link href="/" className={buttonClass("primary")}>
          {t("list.start")}
        </Link>
      }
    >
      <p>{t("list.empty_text")}</p>
    </EmptyState>
  );
}
