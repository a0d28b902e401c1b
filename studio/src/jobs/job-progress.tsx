import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { hasEnded } from "@/contract/types";
import { ProgressBar, VisuallyHidden } from "@/ui";
import { estimateSecondsLeft } from "./estimate";
import styles from "./job-progress.module.css";
import { activityText, roleText, statusText, timeLeftText } from "./status-text";
import type { TrackedJob } from "./tracked-job";

const TICK_MILLISECONDS = 3000;

/** A job's progress: current stage, progress bar, remaining time, and uploads. */
export function JobProgress({ entry, brief = false }: { entry: TrackedJob; brief?: boolean }) {
  const { t } = useTranslation("jobs");
  const { job, uploadProgress } = entry;
  const text = statusText(job, t);
  const value = useHighest(job.job_id, job.progress);
  const waits = job.state !== "running" && value === 0;
  const uploads = job.state === "awaiting_upload" ? Object.entries(uploadProgress) : [];
  return (
    <div className={styles.progress}>
      <ProgressBar label={text} value={waits ? null : value} />
      {!brief && (
        <div aria-live="polite">
          <VisuallyHidden>{activityText(job, t)}</VisuallyHidden>
        </div>
      )}
      {job.state !== "awaiting_upload" && <TimeLeft entry={entry} />}
      {!brief &&
        uploads.map(([role, fraction]) => (
          <ProgressBar
            key={role}
            label={t(fraction < 1 ? "uploading" : "uploaded", { role: roleText(job.kind, role, t) })}
            value={fraction}
          />
        ))}
    </div>
  );
}

/** The remaining time in rough words; empty while it is unknown, so that the layout is stable. */
function TimeLeft({ entry }: { entry: TrackedJob }) {
  const { t } = useTranslation("jobs");
  const [, tick] = useState(0);
  const open = !hasEnded(entry.job);
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(() => tick((count) => count + 1), TICK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [open]);
  const seconds = open ? estimateSecondsLeft(entry) : null;
  return <p className={styles.timeLeft}>{seconds === null ? "" : timeLeftText(seconds, t)}</p>;
}

/** The highest value shown for `key`, 0 to 1: a progress bar never moves back. */
function useHighest(key: string, value: number): number {
  const highest = useRef({ key, value: 0 });
  const floor = highest.current.key === key ? highest.current.value : 0;
  const shown = Math.min(1, Math.max(floor, value));
  useEffect(() => {
    highest.current = { key, value: shown };
  }, [key, shown]);
  return shown;
}
