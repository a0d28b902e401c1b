import { useTranslation } from "react-i18next";
import { Icon } from "@/ui";
import styles from "./ai-badge.module.css";

/** A badge that marks a picture as AI-generated. */
export function AiBadge() {
  const { t } = useTranslation("jobs");
  return (
    <p className={styles.mark}>
      <span className={styles.badge}>
        <Icon name="make" size={16} />
        {t("result.ai_generated")}
      </span>
      {t("result.ai_generated_hint")}
    </p>
  );
}
