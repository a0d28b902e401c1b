import { type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./compare-slider.module.css";

interface CompareSliderProps {
  before: string;
  after: string;
  /** Width of the later picture in pixels; the earlier one is scaled to the same size. */
  width: number;
  height: number;
  beforeLabel?: string;
  afterLabel?: string;
}

/** A before/after comparison: two pictures with a divider that is dragged, or moved by the slider's keys. */
export function CompareSlider({ before, after, width, height, beforeLabel, afterLabel }: CompareSliderProps) {
  const { t } = useTranslation("canvas");
  const [share, setShare] = useState(50);
  const frame = useRef<HTMLDivElement>(null);
  const slider = useRef<HTMLInputElement>(null);
  const names = { before: beforeLabel ?? t("compare.before"), after: afterLabel ?? t("compare.after") };

  const moveDivider = (event: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (box && box.width > 0) setShare(Math.max(0, Math.min(100, (100 * (event.clientX - box.left)) / box.width)));
  };

  return (
    <div
      ref={frame}
      className={styles.compare}
      style={{ aspectRatio: `${width} / ${height}`, maxInlineSize: `calc(80dvh * ${width / height})` }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        frame.current?.setPointerCapture(event.pointerId);
        slider.current?.focus({ preventScroll: true });
        moveDivider(event);
      }}
      onPointerMove={(event) => frame.current?.hasPointerCapture(event.pointerId) && moveDivider(event)}
    >
      <img src={after} alt={names.after} width={width} height={height} draggable={false} />
      <img
        src={before}
        alt={names.before}
        width={width}
        height={height}
        draggable={false}
        style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}
      />
      <span className={styles.before} aria-hidden="true" data-seen={share > 15}>
        {names.before}
      </span>
      <span className={styles.after} aria-hidden="true" data-seen={share < 85}>
        {names.after}
      </span>
      <input
        ref={slider}
        className={styles.slider}
        type="range"
        min={0}
        max={100}
        step={1}
        value={Math.round(share)}
        aria-label={t("compare.slider", names)}
        aria-valuetext={t("compare.value", { ...names, share: Math.round(share) })}
        onChange={(event) => setShare(event.target.valueAsNumber)}
      />
      <span className={styles.line} aria-hidden="true" style={{ left: `${share}%` }}>
        <span className={styles.handle} />
      </span>
    </div>
  );
}
