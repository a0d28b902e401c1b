import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PresignedUrl } from "@/service/presigned-url";
import { Button, Dialog, Notice } from "@/ui";
import { PhotoView } from "./photo-view";
import { arrowDirection } from "./rectangle";
import { useGestures } from "./use-gestures";
import { useViewport } from "./use-viewport";
import styles from "./viewer.module.css";
import { ZoomButtons, zoomByKey } from "./zoom";

interface ViewerProps {
  picture: PresignedUrl;
  width: number;
  height: number;
  /** The file name for a download. */
  name: string;
  /** Downloads the picture. Throws if it cannot be fetched. */
  download(): Promise<void>;
  onClose(): void;
}

/** CSS pixels that an arrow key pans by. */
const STEP = 80;
const ORIGIN = { x: 0, y: 0 };

/** A full-screen viewer for one picture, with pan and zoom. */
export function Viewer({ picture, width, height, name, download, onClose }: ViewerProps) {
  const { t } = useTranslation("canvas");
  const stage = useRef<HTMLDivElement>(null);
  const viewport = useViewport(stage, { width, height });
  const [saving, setSaving] = useState<"idle" | "busy" | "failed">("idle");

  useGestures(stage, {
    wheelZooms: true,
    shouldDraw: () => false,
    start: () => {},
    draw: () => {},
    end: () => {},
    cancel: () => {},
    panZoom: (from, to, factor) => viewport?.panZoom(from, to, factor),
    scroll: () => false,
  });

  const onKey = (event: KeyboardEvent): boolean => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (zoomByKey(viewport, event.key)) return true;
    const direction = arrowDirection(event.key);
    if (direction) viewport?.panZoom(ORIGIN, { x: -direction.x * STEP, y: -direction.y * STEP }, 1);
    return direction !== null;
  };
  const save = async () => {
    setSaving("busy");
    setSaving(
      await download().then(
        () => "idle" as const,
        () => "failed" as const,
      ),
    );
  };

  return (
    <Dialog title={name} onClose={onClose} className={styles.viewer ?? ""}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: shortcuts for the buttons inside */}
      <div className={styles.body} onKeyDown={(event) => onKey(event) && event.preventDefault()}>
        <div
          ref={stage}
          className={styles.stage}
          role="application"
          aria-label={t("viewer.stage")}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the picture
          tabIndex={0}
        >
          {viewport && picture.url !== null && (
            <PhotoView
              url={picture.url}
              onError={picture.onError}
              name={t("viewer.picture", { name, width, height })}
              size={{ width, height }}
              viewport={viewport}
            />
          )}
        </div>
        {saving === "failed" && (
          <Notice
            tone="bad"
            action={
              picture.url === null ? undefined : (
                <a href={picture.url} target="_blank" rel="noreferrer">
                  {t("viewer.open")}
                </a>
              )
            }
          >
            {t("viewer.failed")}
          </Notice>
        )}
        <div className={styles.actions}>
          <ZoomButtons viewport={viewport} />
          <output className={styles.scale}>
            {viewport && `${Math.round(viewport.view.scale * viewport.ratio * 100)} %`}
          </output>
          <p className={styles.hint}>{t("viewer.hint")}</p>
          <Button
            variant="primary"
            icon="download"
            busy={saving === "busy"}
            disabled={saving === "busy"}
            onClick={save}
          >
            {t("viewer.download")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
