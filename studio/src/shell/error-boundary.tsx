import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "@/ui";

interface ErrorBoundaryProps {
  /** The address: another one resets the boundary. */
  resetKey: string;
  children: ReactNode;
}

/** An error boundary for pages, with a notice in place of a page that threw. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidUpdate({ resetKey }: ErrorBoundaryProps) {
    if (resetKey !== this.props.resetKey && this.state.broken) this.setState({ broken: false });
  }

  override render() {
    return this.state.broken ? <CrashNotice /> : this.props.children;
  }
}

function CrashNotice() {
  const { t } = useTranslation("shell");
  return (
    <Notice
      tone="bad"
      title={t("crash.title")}
      action={
        <Button icon="again" onClick={() => location.reload()}>
          {t("crash.reload")}
        </Button>
      }
    >
      <p>{t("crash.text")}</p>
    </Notice>
  );
}
