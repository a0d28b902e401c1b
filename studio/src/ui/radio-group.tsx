import { useId } from "react";
import { Icon, type IconName } from "./icon";
import { RadioCard } from "./radio-card";
import styles from "./radio-group.module.css";

export interface Option<Value extends string> {
  value: Value;
  label: string;
  icon?: IconName;
}

interface RadioGroupProps<Value extends string> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  options: readonly Option<Value>[];
  value: Value | null;
  onChange(value: Value): void;
}

/** A group of radio buttons that look like pills. */
export function RadioGroup<Value extends string>({
  label,
  hint,
  error,
  options,
  value,
  onChange,
}: RadioGroupProps<Value>) {
  const name = useId();
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(" ");
  return (
    <fieldset className={styles.choice} aria-describedby={described || undefined}>
      <legend className={styles.legend}>{label}</legend>
      <div className={styles.options}>
        {options.map((option) => (
          <RadioCard
            key={option.value}
            className={styles.option}
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          >
            {option.icon && <Icon name={option.icon} size={18} />}
            {option.label}
          </RadioCard>
        ))}
      </div>
      {hint && (
        <p id={`${name}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {error && (
        <p id={`${name}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}
