import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { TERMINAL } from "@/contract/types";
import { Hidden, ProgressBar } from "@/ui";
import { estimate } from "./estimate";
import styles from "./job-progress.module.css";
import { doing, happening, remaining, roleWords } from "./status-text";
import type { Entry } from "./tracked-job";

const TICK_MILLISECONDS = 3000;

/** How far a job is: what happens now, its bar, how long it still takes, and its files on their way. */
export function JobProgress({ entry, brief = false }: { entry: Entry; brief?: boolean }) {
  const { t } = useTranslation("jobs");
  const { job, sent } = entry;
  const words = happening(job, t);
  const value = useHighest(job.job_id, job.progress);
  const waits = job.state !== "running" && value === 0;
  const uploads = job.state === "awaiting_upload" ? Object.entries(sent) : [];
  return (
    <div className={styles.progress}>
      <ProgressBar label={words} value={waits ? null : value} />
      {!brief && (
        <div aria-live="polite">
          <Hidden>{doing(job, t)}</Hidden>
        </div>
      )}
      {job.state !== "awaiting_upload" && <TimeLeft entry={entry} />}
      {!brief &&
        uploads.map(([role, fraction]) => (
          <ProgressBar
            key={role}
            label={t(fraction < 1 ? "sending" : "sent", { role: roleWords(role, t) })}
            value={fraction}
          />
        ))}
    </div>
  );
}

/** How long the job still takes, in words that change seldom; empty while nobody can tell, so that nothing moves. */
function TimeLeft({ entry }: { entry: Entry }) {
  const { t } = useTranslation("jobs");
  const [, tick] = useState(0);
  const open = !TERMINAL.has(entry.job.state);
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(() => tick((count) => count + 1), TICK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [open]);
  const seconds = open ? estimate(entry) : null;
  return <p className={styles.left}>{seconds === null ? "" : remaining(seconds, t)}</p>;
}

/** The highest that was ever shown of one thing, 0 to 1: a bar that moved never moves back. */
function useHighest(key: string, value: number): number {
  const highest = useRef({ key, value: 0 });
  const floor = highest.current.key === key ? highest.current.value : 0;
  const shown = Math.min(1, Math.max(floor, value));
  useEffect(() => {
    highest.current = { key, value: shown };
  }, [key, shown]);
  return shown;
}
