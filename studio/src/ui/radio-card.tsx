import type { ComponentProps, ReactNode } from "react";
import styles from "./radio-card.module.css";

interface RadioCardProps extends Omit<ComponentProps<"input">, "type" | "className" | "title"> {
  /** How this one is laid out and where it looks otherwise. */
  className: string | undefined;
  title?: string;
  children: ReactNode;
}

/** A radio button that looks like what it stands for: a card, a pill, a tool. All of it can be pressed. */
export function RadioCard({ className, title, children, ...input }: RadioCardProps) {
  return (
    <label className={`${styles.card} ${className}`} title={title}>
      <input type="radio" {...input} />
      {children}
    </label>
  );
}
