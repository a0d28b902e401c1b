import styles from "./spinner.module.css";

/** A spinner; the text beside it says what is loading. */
export function Spinner() {
  return <span className={styles.spinner} aria-hidden="true" />;
}

/** A loading indicator with text. */
export function Loading({ children }: { children: string }) {
  return (
    <p className={styles.waiting} role="status">
      <Spinner />
      {children}
    </p>
  );
}
