import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useService } from "@/service/deployment";
import { errorMessage } from "@/service/error-message";
import { Button, Notice } from "@/ui";
import styles from "./sign-in.module.css";

/** The page that is shown if the service is unavailable, with the reason and a retry. */
export function ServiceUnavailable() {
  const { t } = useTranslation("shell");
  const { error, load } = useService();
  const [busy, setBusy] = useState(false);
  const retry = useCallback(() => {
    setBusy(true);
    void load().finally(() => setBusy(false));
  }, [load]);
  useEffect(() => {
    addEventListener("online", retry);
    return () => removeEventListener("online", retry);
  }, [retry]);
  return (
    <main className={styles.page}>
      <Notice
        tone="bad"
        title={t("start.failed")}
        action={
          <Button icon="again" busy={busy} onClick={retry}>
            {t("try_again")}
          </Button>
        }
      >
        <p>{error && errorMessage(error).advice}</p>
      </Notice>
    </main>
  );
}
