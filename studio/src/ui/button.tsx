import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./button.module.css";
import { Icon, type IconName } from "./icon";
import { Spinner } from "./spinner";

export type ButtonVariant = "primary" | "secondary" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: ButtonVariant;
  icon?: IconName;
  /** Shows a spinner; the button stays enabled unless it is disabled. */
  busy?: boolean;
}

/** A button with a text label. */
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
  /** The accessible name and tooltip. */
  label: string;
}

/** A button that is an icon; `label` is its accessible name. */
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

/** The class of a button variant, for a link that looks like a button. */
export function buttonClass(variant: ButtonVariant, ...more: (string | undefined)[]): string {
  return [styles.button, styles[variant], ...more].filter(Boolean).join(" ");
}

/** A row of buttons that wraps. */
export function ButtonRow({ children }: { children: ReactNode }) {
  return <div className={styles.row}>{children}</div>;
}
