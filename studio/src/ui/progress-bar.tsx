import { useId } from "react";
import styles from "./progress-bar.module.css";

/** A progress bar: `value` from 0 to 1, or null if indeterminate. */
export function ProgressBar({ label, value }: { label: string; value: number | null }) {
  const id = useId();
  return (
    <div className={styles.bar}>
      <div className={styles.words}>
        <label htmlFor={id}>{label}</label>
        {value !== null && <span className={styles.value}>{Math.floor(value * 100)} %</span>}
      </div>
      <progress id={id} className={styles.progress} max={1} {...(value === null ? {} : { value })} />
    </div>
  );
}
