import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { pointsOf } from "@/contract/json";
import { TERMINAL } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { useJobs } from "@/jobs/store";
import { describe } from "@/service/error-message";
import { Button, Notice, ProgressBar, Waiting } from "@/ui";
import styles from "./keep-picker.module.css";
import { useFinding, useFound } from "./object-detection";
import type { Photo } from "./use-photo";

const ShapePicker = lazy(async () => ({ default: (await import("@/canvas/object-picker")).ShapePicker }));

/** Choosing, on the photo, what a restyling leaves as it is. Nobody has to: the main button does not wait for it. */
export function KeepPicker({ photo }: { photo: Photo }) {
  const { t } = useTranslation("compose");
  const { materials, params } = useDraft("restyle_room");
  const finding = useFinding();
  const entry = useJobs(({ entries }) => (finding.jobId ? entries[finding.jobId] : undefined));
  const material = materials.photo;
  const objects = useFound(material);
  const chosen = pointsOf(params.keep_at);
  if (!material) return null;

  const mine = finding.photo === material;
  const job = mine ? entry?.job : undefined;
  const failure = mine ? (finding.error ?? entry?.trouble ?? job?.error ?? null) : null;
  const ended = job !== undefined && TERMINAL.has(job.state);
  const under = mine && (finding.asking || (finding.jobId !== null && !ended)) && !failure;
  const ask = () => void useFinding.getState().find(material);

  return (
    <section className={styles.keep} aria-labelledby="keep-title">
      <h2 id="keep-title" className={styles.title}>
        {t("keep.title")}
      </h2>
      <p className={styles.quiet}>{t(objects ? "keep.pick" : "keep.about")}</p>
      {under && <ProgressBar label={t("keep.looking")} value={job ? job.progress : null} />}
      {failure && (
        <Notice tone="warning" title={describe(failure).title} action={<Button onClick={ask}>{t("retry")}</Button>} />
      )}
      {!under && !failure && objects === null && (
        <div>
          <Button icon="hand" onClick={ask}>
            {t("keep.find")}
          </Button>
        </div>
      )}
      {objects?.length === 0 && <Notice>{t("keep.nothing")}</Notice>}
      {objects && objects.length > 0 && (
        <Suspense fallback={<Waiting>{t("canvas_loading")}</Waiting>}>
          <ShapePicker
            photo={photo}
            objects={objects}
            chosen={chosen}
            onChange={(points) => useDrafts.getState().setParam("restyle_room", "keep_at", points)}
          />
        </Suspense>
      )}
    </section>
  );
}
