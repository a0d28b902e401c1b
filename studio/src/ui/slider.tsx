import { Field } from "./field";
import styles from "./slider.module.css";

interface SliderProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: number;
  min: number;
  max: number;
  step: number;
  /** Formats the value; the plain number if omitted. */
  format?(value: number): string;
  onChange(value: number): void;
}

/** A slider between two bounds. */
export function Slider({ label, hint, error, value, min, max, step, format = String, onChange }: SliderProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {({ className: _, ...control }) => (
        <div className={styles.row}>
          <input
            {...control}
            className={styles.range}
            type="range"
            {...{ min, max, step, value }}
            aria-valuetext={format(value)}
            onChange={(event) => onChange(event.target.valueAsNumber)}
          />
          <output className={styles.value} htmlFor={control.id} aria-live="off">
            {format(value)}
          </output>
        </div>
      )}
    </Field>
  );
}
