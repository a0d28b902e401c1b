import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui";
import type { Viewport } from "./use-viewport";

/** The zoom factor of one press of a button or key. */
const STEP = 1.5;

/** Zoom by keyboard: +, − and 0 (fit). Returns false for any other key. */
export function zoomByKey(viewport: Viewport | null, key: string): boolean {
  if (key === "+" || key === "=") viewport?.zoom(STEP);
  else if (key === "-") viewport?.zoom(1 / STEP);
  else if (key === "0") viewport?.fit();
  else return false;
  return true;
}

/** Buttons to zoom in, zoom out, and fit. */
export function ZoomButtons({ viewport }: { viewport: Viewport | null }) {
  const { t } = useTranslation("canvas");
  const whole = !viewport || viewport.whole;
  return (
    <>
      <IconButton icon="zoom_out" label={t("zoom_out")} disabled={whole} onClick={() => viewport?.zoom(1 / STEP)} />
      <IconButton icon="fit" label={t("zoom_fit")} disabled={whole} onClick={() => viewport?.fit()} />
      <IconButton icon="zoom_in" label={t("zoom_in")} onClick={() => viewport?.zoom(STEP)} />
    </>
  );
}
