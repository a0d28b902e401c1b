import { useTranslation } from "react-i18next";
import type { InputFile } from "@/drafts/input-file";
import styles from "./input-file-view.module.css";
import { useInputUrl } from "./use-input-url";

interface InputFileViewProps {
  inputFile: InputFile;
  /** Whether the role expects a recording instead of a picture. */
  sound: boolean;
  label: string;
  /** Whether the picture is shown. */
  showPicture: boolean;
  small: boolean;
}

/** A preview of a role's input file, as it will be uploaded. */
export function InputFileView({ inputFile, sound, label, showPicture, small }: InputFileViewProps) {
  const { t, i18n } = useTranslation("compose");
  const { url, onError } = useInputUrl(inputFile);
  const number = (value: number) =>
    new Intl.NumberFormat(i18n.resolvedLanguage, { maximumFractionDigits: 1 }).format(value);
  if (sound && (inputFile.type === "sound" || inputFile.type === "same")) {
    return (
      <figure className={styles.view}>
        {/* biome-ignore lint/a11y/useMediaCaption: the person's own recording, which has no captions yet */}
        {inputFile.url && <audio className={styles.sound} controls src={inputFile.url} aria-label={label} />}
        <figcaption className={styles.words}>
          {inputFile.type === "same"
            ? t("input_file.same")
            : [inputFile.name, inputFile.seconds && t("input_file.seconds", { seconds: number(inputFile.seconds) })]
                .filter(Boolean)
                .join(" · ")}
        </figcaption>
      </figure>
    );
  }
  return (
    <figure className={styles.view} data-seen={showPicture} data-small={small}>
      {url && showPicture && (
        <img className={styles.picture} src={url} alt={t("input_file.alt", { label })} onError={onError} />
      )}
      <figcaption className={styles.words}>
        {inputFile.type === "same" && t("input_file.same")}
        {inputFile.type === "avatar" && t("input_file.avatar")}
        {inputFile.type === "asset" && (inputFile.asset.name ?? t("input_file.asset"))}
        {inputFile.type === "picture" && (
          <>
            {t("input_file.picture", { name: inputFile.name, width: inputFile.width, height: inputFile.height })}
            {inputFile.original && (
              <span className={styles.reduced} role="status">
                {t("input_file.reduced", {
                  width: inputFile.original.width,
                  height: inputFile.original.height,
                  megabytes: number(inputFile.original.size / 1024 / 1024),
                })}
              </span>
            )}
          </>
        )}
      </figcaption>
    </figure>
  );
}
