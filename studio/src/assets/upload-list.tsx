import { useTranslation } from "react-i18next";
import { InputFileError } from "@/drafts/input-file";
import { ErrorNotice, IconButton, Notice, ProgressBar } from "@/ui";
import { type AssetUpload, useAssetUploads } from "./asset-uploads";
import styles from "./page.module.css";

/** The list of uploads in progress, and of those that failed. */
export function UploadList() {
  const { t } = useTranslation("assets");
  const { uploads, dismiss } = useAssetUploads();
  if (uploads.length === 0) return null;
  return (
    <ul className={styles.uploads} aria-label={t("uploads")}>
      {uploads.map((one) => (
        <li key={one.id} className={styles.upload}>
          <UploadItem upload={one} />
          {(one.step === "done" || one.step === "failed") && (
            <IconButton icon="close" label={t("upload.dismiss", { name: one.name })} onClick={() => dismiss(one.id)} />
          )}
        </li>
      ))}
    </ul>
  );
}

function UploadItem({ upload: { name, step, progress, error } }: { upload: AssetUpload }) {
  const { t } = useTranslation("assets");
  const { t: tCompose } = useTranslation("compose");
  if (step === "done") return <Notice tone="good" title={t("upload.done", { name })} />;
  if (error instanceof InputFileError) {
    return (
      <Notice tone="bad" title={t("upload.failed", { name })}>
        <p>
          {error.reason === "type"
            ? t("upload.not_a_picture")
            : tCompose(`rejected_file.${error.reason}`, { ...error.values })}
        </p>
      </Notice>
    );
  }
  if (error) return <ErrorNotice title={t("upload.failed", { name })} error={error} />;
  return <ProgressBar label={t(`upload.${step}`, { name })} value={step === "sending" ? progress : null} />;
}
