import type { Job } from "@/contract/types";
import { usePresignedUrl } from "@/service/presigned-url";
import { Icon, kindIcon } from "@/ui";
import styles from "./job-thumbnail.module.css";
import { coverPicture, inputPicture } from "./outputs";
import { refresh } from "./store";

/** A job's thumbnail: its output, the progress image or its input, else the kind's icon. It has no room to mark a draft. */
export function JobThumbnail({ job }: { job: Job }) {
  const shown = coverPicture(job) ?? (job.preview?.draft ? null : job.preview) ?? inputPicture(job);
  const { url, onError } = usePresignedUrl(shown?.key ?? "", shown?.url, () => void refresh(job.job_id));
  return (
    <span className={styles.thumbnail}>
      {url === null ? (
        <Icon name={kindIcon(job.kind)} size={28} />
      ) : (
        <img src={url} alt="" loading="lazy" onError={onError} />
      )}
    </span>
  );
}
