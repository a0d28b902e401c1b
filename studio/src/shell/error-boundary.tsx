import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "@/ui";

interface BrokenProps {
  /** The address: another one is another try. */
  place: string;
  children: ReactNode;
}

/** What stands in place of a page that threw. */
export class Broken extends Component<BrokenProps, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidUpdate({ place }: BrokenProps) {
    if (place !== this.props.place && this.state.broken) this.setState({ broken: false });
  }

  override render() {
    return this.state.broken ? <Apology /> : this.props.children;
  }
}

function Apology() {
  const { t } = useTranslation("shell");
  return (
    <Notice
      tone="bad"
      title={t("broken.title")}
      action={
        <Button icon="again" onClick={() => location.reload()}>
          {t("broken.reload")}
        </Button>
      }
    >
      <p>{t("broken.text")}</p>
    </Notice>
  );
}
