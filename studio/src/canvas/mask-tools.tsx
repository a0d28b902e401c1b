import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Button, ButtonRow, Field, Icon, type IconName, NumberInput, RadioCard, VisuallyHidden } from "@/ui";
import styles from "./mask-tools.module.css";
import type { PixelRect } from "./raster";
import { clampRect } from "./rectangle";
import type { Effect } from "./strokes";
import type { Size } from "./view";

export type Tool = "brush" | "eraser" | "rectangle" | "move";

const TOOLS: readonly { tool: Tool; icon: IconName; key: string }[] = [
  { tool: "brush", icon: "brush", key: "B" },
  { tool: "eraser", icon: "eraser", key: "E" },
  { tool: "rectangle", icon: "rectangle", key: "R" },
  { tool: "move", icon: "hand", key: "H" },
];

/** The tool that a key selects, or null. */
export function toolOf(key: string): Tool | null {
  return TOOLS.find((each) => each.key === key.toUpperCase())?.tool ?? null;
}

/** A radio group of the editor's tools. */
export function ToolPicker({ value, onChange }: { value: Tool; onChange(tool: Tool): void }) {
  const { t } = useTranslation("canvas");
  const name = useId();
  return (
    <fieldset className={styles.tools}>
      <legend>
        <VisuallyHidden>{t("tool")}</VisuallyHidden>
      </legend>
      {TOOLS.map(({ tool, icon, key }) => (
        <RadioCard
          key={tool}
          className={styles.tool}
          title={`${t(`tools.${tool}`)} (${key})`}
          name={name}
          value={tool}
          checked={tool === value}
          onChange={() => onChange(tool)}
        >
          <Icon name={icon} />
          {t(`tools.${tool}`)}
        </RadioCard>
      ))}
    </fieldset>
  );
}

interface RectangleFieldsProps {
  photo: Size;
  area: PixelRect;
  onChange(area: PixelRect): void;
  onPaint(effect: Effect): void;
}

/** Number inputs for a rectangle: for keyboards, screen readers and exact values. */
export function RectangleFields({ photo, area, onChange, onPaint }: RectangleFieldsProps) {
  const { t } = useTranslation("canvas");
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const setRectangle = (left: number, top: number, wide: number, high: number) =>
    onChange(clampRect({ left, top, right: left + wide, bottom: top + high }, photo));
  return (
    <fieldset className={styles.rectangle}>
      <legend className={styles.legend}>{t("rectangle.title")}</legend>
      <div className={styles.numbers}>
        <IntegerField
          label={t("rectangle.left")}
          value={area.left}
          min={0}
          max={photo.width - 1}
          onChange={(left) => setRectangle(left, area.top, Math.min(width, photo.width - left), height)}
        />
        <IntegerField
          label={t("rectangle.top")}
          value={area.top}
          min={0}
          max={photo.height - 1}
          onChange={(top) => setRectangle(area.left, top, width, Math.min(height, photo.height - top))}
        />
        <IntegerField
          label={t("rectangle.width")}
          value={width}
          min={1}
          max={photo.width - area.left}
          onChange={(wide) => setRectangle(area.left, area.top, wide, height)}
        />
        <IntegerField
          label={t("rectangle.height")}
          value={height}
          min={1}
          max={photo.height - area.top}
          onChange={(high) => setRectangle(area.left, area.top, width, high)}
        />
      </div>
      <ButtonRow>
        <Button icon="brush" onClick={() => onPaint("fill")}>
          {t("rectangle.fill")}
        </Button>
        <Button icon="eraser" onClick={() => onPaint("erase")}>
          {t("rectangle.erase")}
        </Button>
      </ButtonRow>
    </fieldset>
  );
}

interface IntegerFieldProps {
  label: string;
  value: number;
  min: number;
  max: number;
  onChange(value: number): void;
}

/** An integer input. A valid number takes effect while typing; an invalid one is corrected on blur. */
function IntegerField({ label, value, min, max, onChange }: IntegerFieldProps) {
  return (
    <Field label={label}>
      {(control) => (
        <NumberInput
          {...control}
          {...{ min, max, value }}
          onChange={(number) => number !== null && number >= min && number <= max && onChange(number)}
        />
      )}
    </Field>
  );
}
