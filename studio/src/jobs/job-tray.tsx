import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { DETECTION_KIND } from "@/contract/kinds";
import { hasEnded, type Job } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { errorMessage } from "@/service/error-message";
import { Icon, IconButton, useAction, VisuallyHidden } from "@/ui";
import { JobProgress } from "./job-progress";
import { JobThumbnail } from "./job-thumbnail";
import styles from "./job-tray.module.css";
import { stateText } from "./status-text";
import { cancel, untrackJob, useJobs } from "./store";
import type { TrackedJob } from "./tracked-job";

const isOpen = ({ job }: TrackedJob): boolean => !hasEnded(job);

/** The job tray: open jobs, and those that ended since and were not viewed. Hidden on their own page. */
export function JobTray() {
  const { t } = useTranslation("jobs");
  const [location] = useLocation();
  const entries = useTrayJobs(location);
  const listed = entries.filter(({ job }) => location !== `/jobs/${job.job_id}`);
  const open = listed.filter(isOpen);
  const done = open.reduce((sum, { job }) => sum + job.progress, 0) / Math.max(1, open.length);
  return (
    <>
      <LiveAnnouncer entries={entries} />
      {listed.length > 0 && (
        <aside className={styles.container} aria-label={t("tray.label")}>
          <details className={styles.tray}>
            <summary className={styles.summary}>
              <Icon name={open.length > 0 ? "make" : "check"} size={18} />
              {open.length > 0 ? t("tray.count", { count: open.length }) : t("tray.ended", { count: listed.length })}
              {open.length > 0 && <span className={styles.percent}>{Math.floor(done * 100)} %</span>}
            </summary>
            <ul className={styles.list}>
              {listed.map((entry) => (
                <Row key={entry.job.job_id} entry={entry} />
              ))}
            </ul>
          </details>
        </aside>
      )}
    </>
  );
}

/** The jobs in the tray, newest first. A job leaves it when its page is viewed after its end, or when dismissed. */
function useTrayJobs(location: string): TrackedJob[] {
  const entries = useJobs((state) => state.entries);
  const [listedIds, setListedIds] = useState<readonly string[]>([]);
  const known = Object.values(entries)
    // Object detection is a step of composing a draft, and is shown there.
    .filter((entry) => entry.job.kind !== DETECTION_KIND)
    .filter(
      (entry) => isOpen(entry) || (listedIds.includes(entry.job.job_id) && location !== `/jobs/${entry.job.job_id}`),
    )
    .sort((one, other) => other.job.created_at.localeCompare(one.job.created_at));
  const ids = known.map(({ job }) => job.job_id);
  if (ids.join() !== listedIds.join()) setListedIds(ids);
  return known;
}

function Row({ entry }: { entry: TrackedJob }) {
  const { t } = useTranslation("jobs");
  const { job, uploadError } = entry;
  const kind = kindTitle(job.kind, t);
  const { error, run } = useAction();
  return (
    <li className={styles.row}>
      <JobThumbnail job={job} />
      <div className={styles.body}>
        <Link href={`/jobs/${job.job_id}`} className={styles.name}>
          {kind} {!isOpen(entry) && <span className={styles.state}>{stateText(job.state, t)}</span>}
        </Link>
        {isOpen(entry) && <JobProgress entry={entry} brief />}
        {uploadError && (
          <p className={styles.error}>
            <Icon name="error" size={16} />
            {t("tray.upload_failed")}
          </p>
        )}
        {error && (
          <p className={styles.error} role="alert">
            <Icon name="error" size={16} />
            {errorMessage(error).title}
          </p>
        )}
      </div>
      {isOpen(entry) ? (
        <IconButton icon="stop" label={t("cancel_job", { kind })} onClick={() => run(() => cancel(job.job_id))} />
      ) : (
        <IconButton icon="close" label={t("dismiss_job", { kind })} onClick={() => untrackJob(job.job_id)} />
      )}
    </li>
  );
}

/** A live region that announces the end of each job once, on any page. */
function LiveAnnouncer({ entries }: { entries: TrackedJob[] }) {
  const { t } = useTranslation("jobs");
  const states = useJobs((state) => state.entries);
  const [open, setOpen] = useState<readonly string[]>([]);
  const [announcement, setAnnouncement] = useState({ text: "", number: 0 });
  useEffect(() => {
    const ended = open.flatMap((id) => states[id]?.job ?? []).filter(hasEnded);
    const announcementOf = ({ kind, state }: Job) =>
      t("tray.announcement", { kind: kindTitle(kind, t), state: stateText(state, t) });
    if (ended.length > 0)
      setAnnouncement(({ number }) => ({ text: ended.map(announcementOf).join(". "), number: number + 1 }));
    const now = entries.filter(isOpen).map(({ job }) => job.job_id);
    if (now.join() !== open.join()) setOpen(now);
  }, [entries, states, open, t]);
  return (
    <div aria-live="polite">
      {/* Screen readers announce a repeated text only in a new element. */}
      <VisuallyHidden key={announcement.number}>{announcement.text}</VisuallyHidden>
    </div>
  );
}
