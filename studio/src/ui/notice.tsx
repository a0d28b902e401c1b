import type { ReactNode } from "react";
import { Icon } from "./icon";
import styles from "./notice.module.css";

export type Tone = "info" | "good" | "warning" | "bad";

interface NoticeProps {
  tone?: Tone;
  title?: string;
  children?: ReactNode;
  /** A button or link. */
  action?: ReactNode;
}

/** A notice. Errors are announced assertively by screen readers, others politely. */
export function Notice({ tone = "info", title, children, action }: NoticeProps) {
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={tone === "good" ? "check" : tone === "info" ? "info" : "error"} />
      <div className={styles.body}>
        {title && <p className={styles.title}>{title}</p>}
        {children}
        {action}
      </div>
    </div>
  );
}
