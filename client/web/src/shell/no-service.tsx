import { useTranslation } from "react-i18next";
import { useService } from "@/service/deployment";
import { describe } from "@/service/describe";
import { Button, Notice } from "@/ui";
import styles from "./sign-in.module.css";

/** The service was not found: what is known of why, and another try. */
export function NoService() {
  const { t } = useTranslation("shell");
  const { error, load } = useService();
  return (
    <main className={styles.page}>
      <Notice
        tone="bad"
        title={t("start.failed")}
        action={
          <Button icon="again" onClick={() => void load()}>
            {t("try_again")}
          </Button>
        }
      >
        <p>{error && describe(error).advice}</p>
      </Notice>
    </main>
  );
}
