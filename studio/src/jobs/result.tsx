import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Compare } from "@/canvas/compare-slider";
import type { Job, Picture, Result } from "@/contract/types";
import { useProbe, useSteady } from "@/service/presigned-url";
import { Button, Buttons, Notice } from "@/ui";
import { Mark } from "./ai-badge";
import { FileActions } from "./file-actions";
import { before, fileName, pictures, small, widest } from "./outputs";
import { AgainWithChanges } from "./rerun-buttons";
import styles from "./result.module.css";
import { VideoView } from "./video";

const Viewer = lazy(async () => ({ default: (await import("@/canvas/viewer")).Viewer }));

interface ResultViewProps {
  job: Job;
  result: Result;
  /** Asks for fresh links, when one has ended. */
  renew(): void;
  /** It has just been made before the person's eyes: it comes up slowly. */
  revealed: boolean;
}

/** What a job made: beside what it was made from, or one of several, or a video; with what one can do with it. */
export function ResultView({ job, result, renew, revealed }: ResultViewProps) {
  const { t } = useTranslation("jobs");
  const made = pictures(result);
  const [chosen, setChosen] = useState(0);
  const picture = made[chosen] ?? made[0];
  const [video] = result.videos;
  return (
    <section className={styles.result} aria-label={t("result.title")}>
      {video ? (
        <VideoView job={job} result={result} video={video} renew={renew} />
      ) : (
        picture && (
          <>
            <OnePicture key={picture.name} {...{ job, result, picture, renew, revealed }} />
            {made.length > 1 && <Several {...{ result, made, picture, renew }} onChoose={setChosen} />}
          </>
        )
      )}
      {job.kind === "find_objects" && <Found result={result} />}
      <Notes notes={result.notes} />
    </section>
  );
}

interface OnePictureProps extends ResultViewProps {
  picture: Picture;
}

function OnePicture({ job, picture, renew, revealed }: OnePictureProps) {
  const { t } = useTranslation("jobs");
  const [full, setFull] = useState(false);
  const after = useSteady(picture.key, picture.url, renew);
  const given = before(job);
  const photo = useSteady(given?.key ?? "", given?.url, renew);
  const { width, height } = picture;
  const beside = job.kind === "find_objects" ? null : photo.url;
  useProbe(after, beside !== null);
  useProbe(photo, beside !== null);
  return (
    <>
      <div
        className={revealed ? `${styles.stage} ${styles.revealed}` : styles.stage}
        style={{ maxInlineSize: widest(width / height) }}
      >
        {after.broken && <Notice tone="warning" title={t("result.broken")} />}
        {after.url !== null &&
          (beside !== null ? (
            <Compare
              before={beside}
              after={after.url}
              {...{ width, height }}
              beforeLabel={t("result.before")}
              afterLabel={t("result.after")}
            />
          ) : (
            <img
              className={styles.picture}
              src={after.url}
              alt={t("result.alt", { kind: t(`kinds.${job.kind}`) })}
              {...{ width, height }}
              onError={after.failed}
            />
          ))}
      </div>
      {job.kind !== "find_objects" && <Mark />}
      <Buttons>
        <Button icon="zoom_in" onClick={() => setFull(true)} disabled={after.url === null}>
          {t("result.full")}
        </Button>
        <FileActions job={job} file={picture} keepable />
        <AgainWithChanges job={job} />
      </Buttons>
      {full && after.url !== null && (
        <Suspense fallback={null}>
          <Viewer src={after.url} {...{ width, height }} name={fileName(job, picture)} onClose={() => setFull(false)} />
        </Suspense>
      )}
    </>
  );
}

interface SeveralProps {
  result: Result;
  made: Picture[];
  picture: Picture;
  renew(): void;
  onChoose(index: number): void;
}

/** Which of several pictures is shown large. */
function Several({ result, made, picture, renew, onChoose }: SeveralProps) {
  const { t } = useTranslation("jobs");
  return (
    <ul className={styles.several} aria-label={t("result.pictures")}>
      {made.map((one, index) => (
        <li key={one.name}>
          <button
            type="button"
            className={styles.choice}
            aria-pressed={one === picture}
            onClick={() => onChoose(index)}
          >
            <Thumbnail picture={small(result, one)} alt={t("result.picture", { number: index + 1 })} renew={renew} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A small picture behind a presigned link. */
function Thumbnail({ picture, alt, renew }: { picture: Picture; alt: string; renew(): void }) {
  const { url, failed } = useSteady(picture.key, picture.url, renew);
  return url === null ? (
    alt
  ) : (
    <img src={url} alt={alt} width={picture.width} height={picture.height} onError={failed} />
  );
}

/** The things that were seen in a photo, each with how many there are. */
function Found({ result }: { result: Result }) {
  const { t } = useTranslation("jobs");
  const counts = new Map<string, number>();
  for (const { label } of result.objects) counts.set(label, (counts.get(label) ?? 0) + 1);
  return (
    <div>
      <h2>
        {result.objects.length > 0 ? t("result.found", { count: result.objects.length }) : t("result.found_none")}
      </h2>
      <ul className={styles.found}>
        {[...counts].map(([label, count]) => (
          <li key={label}>{count > 1 ? `${label} × ${count}` : label}</li>
        ))}
      </ul>
    </div>
  );
}

/** What the service says that one should know of a result, in its own words. */
function Notes({ notes }: { notes: string[] }) {
  const { t } = useTranslation("jobs");
  if (notes.length === 0) return null;
  return (
    <Notice title={t("result.notes")}>
      <ul>
        {notes.map((note) => (
          <li key={note} lang="en">
            {note}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
