import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { CompareSlider } from "@/canvas/compare-slider";
import { DETECTION_KIND } from "@/contract/kinds";
import type { Job, Picture, Result } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { usePresignedUrl, useUrlCheck } from "@/service/presigned-url";
import { Button, ButtonRow, Notice } from "@/ui";
import { AiBadge } from "./ai-badge";
import { downloadOutput } from "./download-output";
import { FileActions } from "./file-actions";
import { comparedPicture, fileName, maxWidth, pictures, thumbnailOf } from "./outputs";
import { EditAndRerunButton } from "./rerun-buttons";
import styles from "./result.module.css";
import { VideoView } from "./video";

const Viewer = lazy(async () => ({ default: (await import("@/canvas/viewer")).Viewer }));

interface ResultViewProps {
  job: Job;
  result: Result;
  /** Requests refreshed presigned URLs after one expired. */
  refreshUrls(): void;
  /** Whether the job has just completed on this page: the result fades in. */
  revealed: boolean;
}

/** A job's result: a comparison with the input, several pictures or a video, with actions. */
export function ResultView({ job, result, refreshUrls, revealed }: ResultViewProps) {
  const { t } = useTranslation("jobs");
  const choices = pictures(result);
  const [chosen, setChosen] = useState(0);
  const picture = choices[chosen] ?? choices[0];
  const [video] = result.videos;
  return (
    <section className={styles.result} aria-label={t("result.title")}>
      {video ? (
        <VideoView job={job} result={result} video={video} refreshUrls={refreshUrls} />
      ) : (
        picture && (
          <>
            <ResultPicture key={picture.name} {...{ job, result, picture, refreshUrls, revealed }} />
            {choices.length > 1 && (
              <PictureChoice {...{ result, choices, picture, refreshUrls }} onChoose={setChosen} />
            )}
          </>
        )
      )}
      {job.kind === DETECTION_KIND && <FoundObjects result={result} />}
      <Notes notes={result.notes} />
    </section>
  );
}

interface ResultPictureProps extends ResultViewProps {
  picture: Picture;
}

function ResultPicture({ job, picture, refreshUrls, revealed }: ResultPictureProps) {
  const { t } = useTranslation("jobs");
  const [full, setFull] = useState(false);
  const after = usePresignedUrl(picture.key, picture.url, refreshUrls);
  const compared = comparedPicture(job);
  const before = usePresignedUrl(compared?.key ?? "", compared?.url, refreshUrls);
  const { width, height } = picture;
  useUrlCheck(after, before.url !== null);
  useUrlCheck(before, before.url !== null);
  return (
    <>
      <div
        className={revealed ? `${styles.stage} ${styles.revealed}` : styles.stage}
        style={{ maxInlineSize: maxWidth(width / height) }}
      >
        {after.broken && <Notice tone="warning" title={t("result.load_failed")} />}
        {after.url !== null &&
          (before.url !== null ? (
            <CompareSlider
              before={before.url}
              after={after.url}
              {...{ width, height }}
              beforeLabel={t("result.before")}
              afterLabel={t("result.after")}
            />
          ) : (
            <img
              className={styles.picture}
              src={after.url}
              alt={t("result.alt", { kind: kindTitle(job.kind, t) })}
              {...{ width, height }}
              onError={after.onError}
            />
          ))}
      </div>
      {job.kind !== DETECTION_KIND && <AiBadge />}
      <ButtonRow>
        <Button icon="zoom_in" onClick={() => setFull(true)} disabled={after.url === null}>
          {t("result.full_size")}
        </Button>
        <FileActions job={job} file={picture} canSaveToLibrary />
        <EditAndRerunButton job={job} />
      </ButtonRow>
      {full && (
        <Suspense fallback={null}>
          <Viewer
            picture={after}
            {...{ width, height }}
            name={fileName(job, picture)}
            download={() => downloadOutput(job, picture)}
            onClose={() => setFull(false)}
          />
        </Suspense>
      )}
    </>
  );
}

interface PictureChoiceProps {
  result: Result;
  choices: Picture[];
  picture: Picture;
  refreshUrls(): void;
  onChoose(index: number): void;
}

/** A list that selects which of several pictures is shown large. */
function PictureChoice({ result, choices, picture, refreshUrls, onChoose }: PictureChoiceProps) {
  const { t } = useTranslation("jobs");
  return (
    <ul className={styles.thumbnails} aria-label={t("result.pictures")}>
      {choices.map((one, index) => (
        <li key={one.name}>
          <button
            type="button"
            className={styles.choice}
            aria-pressed={one === picture}
            onClick={() => onChoose(index)}
          >
            <Thumbnail
              picture={thumbnailOf(result, one)}
              alt={t("result.picture", { number: index + 1 })}
              refreshUrls={refreshUrls}
            />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A thumbnail behind a presigned URL. */
function Thumbnail({ picture, alt, refreshUrls }: { picture: Picture; alt: string; refreshUrls(): void }) {
  const { url, onError } = usePresignedUrl(picture.key, picture.url, refreshUrls);
  return url === null ? (
    alt
  ) : (
    <img src={url} alt={alt} width={picture.width} height={picture.height} onError={onError} />
  );
}

/** The detected objects of a photo, with counts. */
function FoundObjects({ result }: { result: Result }) {
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

/** The service's notes on a result, in English. */
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
