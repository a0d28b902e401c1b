import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "@/contract/types";
import { type LoadedImage, useLoadedImage, usePresignedUrl } from "@/service/presigned-url";
import { aspectRatio, inputPicture, maxWidth } from "./outputs";
import styles from "./progress-image.module.css";

/** The blur of a picture at the beginning, in hundredths of the frame's width. */
const MAX_BLUR = 2.6;

interface ProgressImageProps {
  job: Job;
  /** Requests refreshed presigned URLs after one expired. */
  refreshUrls(): void;
}

/** A layer; `draft` if it is the preview engine's picture, shown while the GPU wakes. */
interface Layer extends LoadedImage {
  draft: boolean;
}

/**
 * The progress image of a running job, less blurred with every step; the input until there is one. A draft is sharp, and
 * has a badge. Nothing is animated by itself.
 */
export function ProgressImage({ job, refreshUrls }: ProgressImageProps) {
  const { t } = useTranslation("jobs");
  const image = usePresignedUrl(job.preview?.key ?? "", job.preview?.url, refreshUrls);
  const input = inputPicture(job);
  const photo = usePresignedUrl(input?.key ?? "", input?.url, refreshUrls);
  const loadedImage = useLoadedImage(job.preview?.key ?? "", image.url);
  const layers = useLayers(loadedImage, job.preview);
  const draft = layers.at(-1)?.draft ?? false;
  const remaining = 1 - Math.min(1, Math.max(0, job.progress));
  const ratio = aspectRatio(job);
  return (
    <div className={styles.frame} style={{ aspectRatio: ratio, maxInlineSize: maxWidth(ratio) }}>
      {photo.url !== null && (
        <img
          className={styles.photo}
          src={photo.url}
          alt={layers.length > 0 ? "" : t("progress_image.input")}
          onError={photo.onError}
          style={{
            filter: `grayscale(${remaining.toFixed(2)}) brightness(${(1 - 0.5 * remaining).toFixed(2)}) ${blurFilter(remaining)}`,
          }}
        />
      )}
      {layers.map(({ key, url, draft }, index) => (
        <img
          key={key}
          className={styles.image}
          src={url}
          alt={index === layers.length - 1 ? t(draft ? "progress_image.draft_alt" : "progress_image.alt") : ""}
          onError={image.onError}
          style={{ filter: blurFilter(draft ? 0 : remaining) }}
        />
      ))}
      <div className={styles.tint} style={{ opacity: draft ? 0 : remaining }} />
      {draft && (
        <p className={styles.draft}>
          <strong>{t("progress_image.draft")}</strong> {t("progress_image.draft_hint")}
        </p>
      )}
      {photo.url === null && layers.length === 0 && <p className={styles.blank}>{t("progress_image.none")}</p>}
    </div>
  );
}

/** The blur for the fraction `left` that remains; it falls faster towards the end. */
const blurFilter = (remaining: number): string => `blur(${(MAX_BLUR * remaining ** 1.2).toFixed(2)}cqi)`;

/** The newest image over the previous one, for a cross-fade. */
function useLayers(newest: LoadedImage | null, preview: Job["preview"]): Layer[] {
  const draftKey = preview?.draft ? preview.key : null;
  const [layers, setLayers] = useState<Layer[]>([]);
  const newestKey = useRef<string | null>(null);
  useEffect(() => {
    if (newest === null || newest.key === newestKey.current) return;
    newestKey.current = newest.key;
    setLayers((shown) => [...shown.slice(-1), { ...newest, draft: newest.key === draftKey }]);
  }, [newest, draftKey]);
  return layers;
}
