import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { Button, Loading, Notice } from "@/ui";
import styles from "./mask-panel.module.css";
import type { Photo } from "./use-photo";

const MaskEditor = lazy(async () => ({ default: (await import("@/canvas/mask-editor")).MaskEditor }));

/** The mask editor for inpaint, or an earlier job's mask until another is painted. */
export function MaskPanel({ photo, error }: { photo: Photo; error?: string | undefined }) {
  const { t } = useTranslation("compose");
  const strokes = useDrafts((state) => state.strokes);
  const { mask } = useDraft("inpaint").inputs;
  const { setStrokes } = useDrafts.getState();
  const same = mask?.type === "same" && strokes === null;
  return (
    <section className={styles.mask} data-path="uploads.mask" tabIndex={-1} aria-labelledby="mask-title">
      <h2 id="mask-title" className={styles.title}>
        {t("mask.title")}
      </h2>
      {same ? (
        <Notice
          title={t("mask.earlier")}
          action={
            <Button icon="brush" onClick={() => setStrokes([])}>
              {t("mask.paint_new")}
            </Button>
          }
        />
      ) : (
        <>
          <p className={styles.quiet}>{t("mask.description")}</p>
          {mask?.type === "same" && strokes?.length === 0 && (
            <div>
              <Button icon="undo" onClick={() => setStrokes(null)}>
                {t("mask.use_earlier")}
              </Button>
            </div>
          )}
          <Suspense fallback={<Loading>{t("canvas_loading")}</Loading>}>
            <MaskEditor photo={photo} strokes={strokes ?? []} onChange={setStrokes} />
          </Suspense>
        </>
      )}
      {error && (
        <p className={styles.error} role="alert">
          {error}
        </p>
      )}
    </section>
  );
}
