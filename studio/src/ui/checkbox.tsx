import { useId } from "react";
import styles from "./checkbox.module.css";

interface CheckboxProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  checked: boolean;
  onChange(checked: boolean): void;
}

/** A checkbox with label, hint and error. */
export function Checkbox({ label, hint, error, checked, onChange }: CheckboxProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={styles.checkbox}>
      <label className={styles.label}>
        <input
          type="checkbox"
          checked={checked}
          aria-describedby={described || undefined}
          aria-invalid={error !== undefined}
          onChange={(event) => onChange(event.target.checked)}
        />
        {label}
      </label>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
