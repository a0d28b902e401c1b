import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { pointsOf } from "@/contract/json";
import { hasEnded as isEnded, type Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { useJobs } from "@/jobs/store";
import { errorMessage } from "@/service/error-message";
import { Button, Loading, Notice, ProgressBar } from "@/ui";
import styles from "./keep-picker.module.css";
import { useFoundObjects, useObjectDetection } from "./object-detection";
import type { Photo } from "./use-photo";

const ObjectPicker = lazy(async () => ({ default: (await import("@/canvas/object-picker")).ObjectPicker }));

/** Chooses the objects that a kind keeps (its param `keep_at`), on the photo. It never blocks the submission. */
export function KeepPicker({ kind, photo }: { kind: Kind; photo: Photo }) {
  const { t } = useTranslation("compose");
  const { inputs, params } = useDraft(kind);
  const detection = useObjectDetection();
  const entry = useJobs(({ entries }) => (detection.jobId ? entries[detection.jobId] : undefined));
  const input = inputs.photo;
  const objects = useFoundObjects(input);
  const chosen = pointsOf(params.keep_at);
  if (!input) return null;

  const isCurrent = detection.photo === input;
  const job = isCurrent ? entry?.job : undefined;
  const failure = isCurrent ? (detection.error ?? entry?.uploadError ?? job?.error ?? null) : null;
  const hasEnded = job !== undefined && isEnded(job);
  const detecting = isCurrent && (detection.submitting || (detection.jobId !== null && !hasEnded)) && !failure;
  const detect = () => void useObjectDetection.getState().detect(input);

  return (
    <section className={styles.keep} aria-labelledby="keep-title">
      <h2 id="keep-title" className={styles.title}>
        {t("keep_picker.title")}
      </h2>
      <p className={styles.quiet}>{t(objects ? "keep_picker.instruction" : "keep_picker.description")}</p>
      {detecting && <ProgressBar label={t("keep_picker.detecting")} value={job ? job.progress : null} />}
      {failure && (
        <Notice
          tone="warning"
          title={errorMessage(failure).title}
          action={<Button onClick={detect}>{t("retry")}</Button>}
        />
      )}
      {!detecting && !failure && objects === null && (
        <div>
          <Button icon="hand" onClick={detect}>
            {t("keep_picker.detect")}
          </Button>
        </div>
      )}
      {objects?.length === 0 && <Notice>{t("keep_picker.none_found")}</Notice>}
      {objects && objects.length > 0 && (
        <Suspense fallback={<Loading>{t("canvas_loading")}</Loading>}>
          <ObjectPicker
            photo={photo}
            objects={objects}
            chosen={chosen}
            onChange={(points) => useDrafts.getState().setParam(kind, "keep_at", points)}
          />
        </Suspense>
      )}
    </section>
  );
}
