import type { Job, Kind } from "@/contract/types";
import { Icon, type IconName } from "@/ui";
import { useSteady } from "./link";
import { before, cover } from "./made";
import { refresh } from "./store";
import styles from "./thumb.module.css";

const ICONS: Record<Kind, IconName> = {
  restyle_room: "room",
  inpaint: "brush",
  generate: "make",
  face_swap: "user",
  upscale: "zoom_in",
  find_objects: "find",
  render_video: "video",
  render_scenes: "scenes",
};

/** What a job is recognised by: what it made, the newest look, or what it was given; else its kind's sign. */
export function Thumb({ job }: { job: Job }) {
  const made = cover(job) ?? job.preview ?? before(job);
  const { url, failed } = useSteady(made?.key ?? "", made?.url, () => void refresh(job.job_id));
  return (
    <span className={styles.thumb}>
      {url === null ? (
        <Icon name={ICONS[job.kind]} size={28} />
      ) : (
        <img src={url} alt="" loading="lazy" onError={failed} />
      )}
    </span>
  );
}
