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

/**
 * The progress image of a running job, less blurred with every step; the input until there is one. Nothing is animated
 * by itself.
 */
export function ProgressImage({ job, refreshUrls }: ProgressImageProps) {
  const { t } = useTranslation("jobs");
  const image = usePresignedUrl(job.preview?.key ?? "", job.preview?.url, refreshUrls);
  const input = inputPicture(job);
  const photo = usePresignedUrl(input?.key ?? "", input?.url, refreshUrls);
  const loadedImage = useLoadedImage(job.preview?.key ?? "", image.url);
  const layers = useLayers(loadedImage);
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
      {layers.map(({ key, url }, index) => (
        <img
          key={key}
          className={styles.image}
          src={url}
          alt={index === layers.length - 1 ? t("progress_image.alt") : ""}
          onError={image.onError}
          style={{ filter: blurFilter(remaining) }}
        />
      ))}
      <div className={styles.tint} style={{ opacity: remaining }} />
      {photo.url === null && layers.length === 0 && <p className={styles.blank}>{t("progress_image.none")}</p>}
    </div>
  );
}

/** The blur for the fraction `left` that remains; it falls faster towards the end. */
const blurFilter = (remaining: number): string => `blur(${(MAX_BLUR * remaining ** 1.2).toFixed(2)}cqi)`;

/** The newest image over the previous one, for a cross-fade. */
function useLayers(newest: LoadedImage | null): LoadedImage[] {
  const [layers, setLayers] = useState<LoadedImage[]>(newest ? [newest] : []);
  const newestKey = useRef<string | null>(newest?.key ?? null);
  useEffect(() => {
    if (newest === null || newest.key === newestKey.current) return;
    newestKey.current = newest.key;
    setLayers((shown) => [...shown.slice(-1), newest]);
  }, [newest]);
  return layers;
}
