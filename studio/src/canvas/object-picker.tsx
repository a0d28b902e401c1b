import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { FoundObject } from "@/contract/types";
import { findMessage } from "@/messages/find-message";
import { interiorPoints, objectAt, objectsAtPoints } from "./found-objects";
import { ObjectOutlines } from "./object-outlines";
import styles from "./object-picker.module.css";
import { PhotoView } from "./photo-view";
import { useViewport } from "./use-viewport";
import { toPhoto } from "./view";

interface ObjectPickerProps {
  photo: { url: string; width: number; height: number };
  objects: readonly FoundObject[];
  /** The chosen points, as fractions of the photo's width and height. */
  chosen: readonly [number, number][];
  onChange(chosen: [number, number][]): void;
  /** The maximum number of points. */
  most?: number;
}

/** The touch tolerance around a small object, in CSS pixels. */
const TOUCH_TOLERANCE = 18;

/** The object picker: chooses detected objects by their outlines on the photo, or in a list beside it. */
export function ObjectPicker({ photo, objects, chosen, onChange, most = 20 }: ObjectPickerProps) {
  const { t, i18n } = useTranslation("canvas");
  const stage = useRef<HTMLDivElement>(null);
  const viewport = useViewport(stage, photo);
  const [highlighted, setHighlighted] = useState(-1);
  const { width, height } = photo;
  const points = useMemo(() => interiorPoints(objects, { width, height }), [objects, width, height]);
  const chosenIndexes = objectsAtPoints(objects, points, chosen, photo);
  const full = chosen.length >= most;

  const toggle = (index: number) => {
    const point = points[index];
    if (!point) return;
    if (chosenIndexes.includes(index)) onChange(chosen.filter((_, at) => chosenIndexes[at] !== index));
    else if (!full) onChange([...chosen, point]);
  };
  const objectUnder = (event: { clientX: number; clientY: number }): number => {
    const corner = stage.current?.getBoundingClientRect();
    if (!corner || !viewport) return -1;
    const point = toPhoto(viewport.view, { x: event.clientX - corner.left, y: event.clientY - corner.top });
    return objectAt(objects, point, TOUCH_TOLERANCE / viewport.view.scale);
  };
  const labelOf = (label: string) => findMessage(t, [`object_classes.${label.replaceAll(" ", "_")}`]) ?? label;
  const share = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 });

  if (objects.length === 0) return <p className={styles.quiet}>{t("picker.none")}</p>;
  return (
    <div className={styles.picker}>
      <div className={styles.sides}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list beside it works by keyboard */}
        <div
          ref={stage}
          className={styles.stage}
          style={{ aspectRatio: `${width} / ${height}` }}
          role="img"
          aria-label={t("picker.stage")}
          data-over={highlighted >= 0}
          onClick={(event) => toggle(objectUnder(event))}
          onPointerMove={(event) => event.pointerType !== "touch" && setHighlighted(objectUnder(event))}
          onPointerLeave={() => setHighlighted(-1)}
        >
          {viewport && (
            <>
              <PhotoView url={photo.url} name="" size={photo} viewport={viewport} />
              <ObjectOutlines {...{ viewport, objects, points, highlighted }} chosen={new Set(chosenIndexes)} />
            </>
          )}
        </div>
        <fieldset className={styles.list}>
          <legend>{t("picker.title")}</legend>
          {objects.map((object, index) => (
            <label
              // biome-ignore lint/suspicious/noArrayIndexKey: objects have no id, and their order never changes
              key={index}
              data-near={highlighted === index}
              onPointerEnter={() => setHighlighted(index)}
              onPointerLeave={() => setHighlighted(-1)}
            >
              <input
                type="checkbox"
                checked={chosenIndexes.includes(index)}
                disabled={full && !chosenIndexes.includes(index)}
                onChange={() => toggle(index)}
                onFocus={() => setHighlighted(index)}
                onBlur={() => setHighlighted(-1)}
              />
              <span>
                {index + 1}. {labelOf(object.label)}
                <small>
                  {object.area < 0.01
                    ? t("picker.small")
                    : t("picker.share", { share: share.format(object.area * 100) })}
                </small>
              </span>
            </label>
          ))}
        </fieldset>
      </div>
      <p className={styles.quiet} role="status">
        {t("picker.chosen", { count: new Set(chosenIndexes.filter((index) => index >= 0)).size })}{" "}
        {full && t("picker.limit", { count: most })}
      </p>
    </div>
  );
}
