import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { buttonClass, EmptyState } from "@/ui";

/** The page for unknown addresses. */
export function NotFound() {
  const { t } = useTranslation("shell");
  return (
    <EmptyState
      icon="info"
      title={t("not_found.title")}
      action={
        <Link href="/" className={buttonClass("primary")}>
          {t("not_found.home")}
        </Link>
      }
    >
      <p>{t("not_found.text")}</p>
    </EmptyState>
  );
}
