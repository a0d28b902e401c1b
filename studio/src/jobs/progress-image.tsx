import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "@/contract/types";
import { type Shown, useArrived, useSteady } from "@/service/presigned-url";
import { before, ratio, widest } from "./outputs";
import styles from "./progress-image.module.css";

/** How soft a picture is of which nothing is done, in hundredths of the frame's width. */
const SOFTEST = 2.6;

interface DevelopingProps {
  job: Job;
  /** Asks for fresh links, when one has ended. */
  renew(): void;
}

/**
 * The picture in the making, in its place: the newest look at it, sharper with every step, or the photo that it is made
 * from until there is one. Nothing moves by itself.
 */
export function Developing({ job, renew }: DevelopingProps) {
  const { t } = useTranslation("jobs");
  const look = useSteady(job.preview?.key ?? "", job.preview?.url, renew);
  const given = before(job);
  const photo = useSteady(given?.key ?? "", given?.url, renew);
  const arrived = useArrived(job.preview?.key ?? "", look.url);
  const layers = useLayers(arrived);
  const left = 1 - Math.min(1, Math.max(0, job.progress));
  const shape = ratio(job);
  return (
    <div className={styles.frame} style={{ aspectRatio: shape, maxInlineSize: widest(shape) }}>
      {photo.url !== null && (
        <img
          className={styles.photo}
          src={photo.url}
          alt={layers.length > 0 ? "" : t("developing.photo")}
          onError={photo.failed}
          style={{
            filter: `grayscale(${left.toFixed(2)}) brightness(${(1 - 0.5 * left).toFixed(2)}) ${soft(left)}`,
          }}
        />
      )}
      {layers.map(({ key, url }, index) => (
        <img
          key={key}
          className={styles.look}
          src={url}
          alt={index === layers.length - 1 ? t("developing.look") : ""}
          onError={look.failed}
          style={{ filter: soft(left) }}
        />
      ))}
      <div className={styles.safelight} style={{ opacity: left }} />
      {photo.url === null && layers.length === 0 && <p className={styles.blank}>{t("developing.blank")}</p>}
    </div>
  );
}

/** The softness of what is done but for `left`, from 0 to 1: falls faster towards the end. */
const soft = (left: number): string => `blur(${(SOFTEST * left ** 1.2).toFixed(2)}cqi)`;

/** The newest picture over the one before it, which it fades in on. */
function useLayers(newest: Shown | null): Shown[] {
  const [layers, setLayers] = useState<Shown[]>(newest ? [newest] : []);
  const top = useRef<string | null>(newest?.key ?? null);
  useEffect(() => {
    if (newest === null || newest.key === top.current) return;
    top.current = newest.key;
    setLayers((shown) => [...shown.slice(-1), newest]);
  }, [newest]);
  return layers;
}
