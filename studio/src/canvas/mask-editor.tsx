import { type KeyboardEvent, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Slider } from "@/ui";
import { sizeAt, sliderPosition } from "./brush";
import { cacheCoverage } from "./mask";
import { MaskCanvas } from "./mask-canvas";
import styles from "./mask-editor.module.css";
import { RectangleFields, type Tool, ToolPicker, toolOf } from "./mask-tools";
import { EMPTY_RECT, type PixelRect, Raster, unionRect } from "./raster";
import { arrowDirection, centeredRect, nudge } from "./rectangle";
import type { Effect, Strokes } from "./strokes";
import { useStrokeHistory } from "./use-stroke-history";
import { useViewport } from "./use-viewport";
import { ZoomButtons, zoomByKey } from "./zoom";

interface MaskEditorProps {
  photo: { url: string; width: number; height: number };
  strokes: Strokes;
  onChange(strokes: Strokes): void;
}

/** CSS pixels that an arrow key moves the view. */
const STEP = 60;

/** The mask editor: paints the area to fill on a photo, by mouse, touch, pen or keyboard. */
export function MaskEditor({ photo, strokes, onChange }: MaskEditorProps) {
  const { t } = useTranslation("canvas");
  const { width, height } = photo;
  const raster = useMemo(() => new Raster(width, height), [width, height]);
  const stage = useRef<HTMLDivElement>(null);
  const viewport = useViewport(stage, photo);
  const [tool, setTool] = useState<Tool>("brush");
  const [spaceHeld, setSpaceHeld] = useState(false);
  const [sliderValue, setSliderValue] = useState(() => sliderPosition(Math.max(width, height) * 0.04, width, height));
  const [area, setArea] = useState<PixelRect>(() => centeredRect(photo));
  const [rectangleShown, setRectangleShown] = useState(false);
  const [share, setShare] = useState(0);
  // Rendered first: listeners of `onChange` may ask for the coverage at once, which is cached by then.
  const dirtyRect = useRef(EMPTY_RECT);
  const history = useStrokeHistory(strokes, (next) => {
    dirtyRect.current = unionRect(dirtyRect.current, raster.render(next));
    cacheCoverage(next, raster);
    onChange(next);
  });
  const hint = useId();
  const size = sizeAt(sliderValue, width, height);
  const bounded = useMemo(
    () => (area.right > width || area.bottom > height ? centeredRect({ width, height }) : area),
    [area, width, height],
  );

  const paintArea = (effect: Effect) => history.add({ type: "rectangle", effect, ...bounded });
  const resizeBrush = (by: number) => setSliderValue((last) => Math.max(0, Math.min(100, last + by)));

  const onStageKey = (event: KeyboardEvent): boolean => {
    const direction = arrowDirection(event.key);
    if (event.key === " ") setSpaceHeld(true);
    else if (direction && tool === "rectangle") {
      setRectangleShown(true);
      setArea(rectangleShown ? nudge(bounded, direction, event.shiftKey, photo) : bounded);
    } else if (direction) viewport?.panZoom({ x: 0, y: 0 }, { x: -direction.x * STEP, y: -direction.y * STEP }, 1);
    else if (tool !== "rectangle" || !rectangleShown) return false;
    else if (event.key === "Enter") paintArea("fill");
    else if (event.key === "Delete" || event.key === "Backspace") paintArea("erase");
    else return false;
    return true;
  };
  const onKey = (event: KeyboardEvent): boolean => {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key === "z" && !event.shiftKey) history.undo();
      else if (key === "y" || key === "z") history.redo();
      else return false;
      return true;
    }
    const chosen = toolOf(key);
    if (event.altKey) return false;
    if (chosen) setTool(chosen);
    else if (key === "[") resizeBrush(-4);
    else if (key === "]") resizeBrush(4);
    else if (key === "i") history.add({ type: "invert" });
    else if (!zoomByKey(viewport, key)) return event.target === stage.current && onStageKey(event);
    return true;
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: shortcuts for the controls inside, which also work without them
    <div
      className={styles.editor}
      onKeyDown={(event) => {
        const typing = event.target instanceof HTMLInputElement && event.target.type === "number";
        if (!typing && onKey(event)) event.preventDefault();
      }}
      onKeyUp={(event) => event.key === " " && setSpaceHeld(false)}
    >
      <ToolPicker value={tool} onChange={setTool} />
      <div
        ref={stage}
        className={styles.stage}
        data-tool={spaceHeld ? "move" : tool}
        style={{ aspectRatio: `${width} / ${height}` }}
        role="application"
        aria-label={t("stage")}
        aria-describedby={hint}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture is painted on, also by keyboard
        tabIndex={0}
        onBlur={() => setSpaceHeld(false)}
      >
        {viewport && (
          <MaskCanvas
            element={stage}
            frame={tool === "rectangle" && rectangleShown ? bounded : null}
            tool={spaceHeld ? "move" : tool}
            onStroke={history.add}
            onCoverage={setShare}
            dirtyRect={dirtyRect}
            {...{ photo, viewport, raster, strokes, size }}
          />
        )}
      </div>
      <p id={hint} className={styles.hint}>
        {t(`hints.${tool}`)}
      </p>
      <div className={styles.actions}>
        <IconButton icon="undo" label={t("undo")} disabled={!history.canUndo} onClick={history.undo} />
        <IconButton icon="redo" label={t("redo")} disabled={!history.canRedo} onClick={history.redo} />
        <span className={styles.gap} />
        <ZoomButtons viewport={viewport} />
        <span className={styles.gap} />
        <Button variant="quiet" icon="invert" onClick={() => history.add({ type: "invert" })}>
          {t("invert")}
        </Button>
        <Button
          variant="quiet"
          icon="trash"
          disabled={strokes.length === 0}
          onClick={() => history.add({ type: "clear" })}
        >
          {t("clear")}
        </Button>
      </div>
      {(tool === "brush" || tool === "eraser") && (
        <Slider
          label={t("size")}
          value={Math.round(sliderValue)}
          min={0}
          max={100}
          step={1}
          format={() => t("pixels", { count: Math.round(size) })}
          onChange={setSliderValue}
        />
      )}
      {tool === "rectangle" && (
        // biome-ignore lint/a11y/noStaticElementInteractions: shows the rectangle while its inputs have the focus
        <div onFocus={() => setRectangleShown(true)}>
          <RectangleFields photo={photo} area={bounded} onChange={setArea} onPaint={paintArea} />
        </div>
      )}
      <p className={styles.coverage} role="status">
        {share === 0
          ? t("coverage.none")
          : share === 1
            ? t("coverage.all")
            : t("coverage.some", { share: percent(share) })}
      </p>
      <Shortcuts />
    </div>
  );
}

/** A fraction in whole percent. 0 % and 100 % are shown only for exactly none and all. */
function percent(share: number): number {
  return Math.min(99, Math.max(1, Math.round(share * 100)));
}

const SHORTCUTS = [
  "brush",
  "eraser",
  "rectangle",
  "move",
  "size",
  "undo",
  "redo",
  "invert",
  "zoom",
  "pan",
  "place",
] as const;

function Shortcuts() {
  const { t } = useTranslation("canvas");
  return (
    <details className={styles.shortcuts}>
      <summary>{t("shortcuts.title")}</summary>
      <dl>
        {SHORTCUTS.map((each) => (
          <div key={each}>
            <dt>
              <kbd>{t(`shortcuts.${each}.keys`)}</kbd>
            </dt>
            <dd>{t(`shortcuts.${each}.action`)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
