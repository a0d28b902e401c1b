import type { Job } from "@/contract/types";
import { useSteady } from "@/service/presigned-url";
import { Icon, KIND_ICONS } from "@/ui";
import styles from "./job-thumbnail.module.css";
import { before, cover } from "./outputs";
import { refresh } from "./store";

/** What a job is recognised by: what it made, the newest look, or what it was given; else its kind's sign. */
export function Thumb({ job }: { job: Job }) {
  const made = cover(job) ?? job.preview ?? before(job);
  const { url, failed } = useSteady(made?.key ?? "", made?.url, () => void refresh(job.job_id));
  return (
    <span className={styles.thumb}>
      {url === null ? (
        <Icon name={KIND_ICONS[job.kind]} size={28} />
      ) : (
        <img src={url} alt="" loading="lazy" onError={failed} />
      )}
    </span>
  );
}
