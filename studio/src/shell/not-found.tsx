import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { buttonClass, EmptyState } from "@/ui";

/** The page for unknown addresses. */
export function NotFound() {
  const { t } = useTranslation("shell");
  return (
    <EmptyState
      icon="info"
      title={t("missing.title")}
      action={
        <Link href="/" className={buttonClass("primary")}>
          {t("missing.home")}
        </Link>
      }
    >
      <p>{t("missing.text")}</p>
    </EmptyState>
  );
}
