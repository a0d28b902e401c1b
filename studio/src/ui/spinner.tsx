import styles from "./spinner.module.css";

/** Something is under way; the words beside it say what. */
export function Spinner() {
  return <span className={styles.spinner} aria-hidden="true" />;
}

/** A page, or a part of one, that is being fetched. */
export function Loading({ children }: { children: string }) {
  return (
    <p className={styles.waiting} role="status">
      <Spinner />
      {children}
    </p>
  );
}
