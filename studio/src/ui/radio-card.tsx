import type { ComponentProps, ReactNode } from "react";
import styles from "./radio-card.module.css";

interface RadioCardProps extends Omit<ComponentProps<"input">, "type" | "className" | "title"> {
  /** The class of the card. */
  className: string | undefined;
  title?: string;
  children: ReactNode;
}

/** A radio button in the shape of a card, clickable as a whole. */
export function RadioCard({ className, title, children, ...input }: RadioCardProps) {
  return (
    <label className={`${styles.card} ${className}`} title={title}>
      <input type="radio" {...input} />
      {children}
    </label>
  );
}
