import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./button.module.css";
import { Icon, type IconName } from "./icon";
import { Spinner } from "./spinner";

export type ButtonVariant = "primary" | "secondary" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: ButtonVariant;
  icon?: IconName;
  /** Shows that what it began goes on; it can still be pressed unless it is disabled. */
  busy?: boolean;
}

/** A button with words. */
export function Button({ variant = "secondary", icon, busy = false, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" aria-busy={busy} {...rest} className={buttonClass(variant, className)}>
      {busy ? <Spinner /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, "children"> {
  icon: IconName;
  /** What it does: its name, and its tooltip. */
  label: string;
}

/** A button that is an icon; `label` says what it does. */
export function IconButton({ label, icon, variant = "quiet", className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={buttonClass(variant, styles.square, className)}
    >
      <Icon name={icon} />
    </button>
  );
}

/** The look of a button, for a link that should have it. */
export function buttonClass(variant: ButtonVariant, ...more: (string | undefined)[]): string {
  return [styles.button, styles[variant], ...more].filter(Boolean).join(" ");
}

/** Buttons in a row that wraps. */
export function ButtonRow({ children }: { children: ReactNode }) {
  return <div className={styles.row}>{children}</div>;
}
