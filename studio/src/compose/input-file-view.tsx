import { useTranslation } from "react-i18next";
import { look, type Material } from "@/drafts/input-file";
import styles from "./input-file-view.module.css";

interface MaterialViewProps {
  material: Material;
  /** Whether a recording belongs here, else a picture. */
  sound: boolean;
  label: string;
  /** Whether the picture is shown. */
  seen: boolean;
  small: boolean;
}

/** What was given for a role, as it will be sent. */
export function MaterialView({ material, sound, label, seen, small }: MaterialViewProps) {
  const { t, i18n } = useTranslation("compose");
  const url = look(material);
  const number = (value: number) =>
    new Intl.NumberFormat(i18n.resolvedLanguage, { maximumFractionDigits: 1 }).format(value);
  if (sound && (material.type === "sound" || material.type === "same")) {
    return (
      <figure className={styles.view}>
        {/* biome-ignore lint/a11y/useMediaCaption: the person's own recording, which has no captions yet */}
        {material.url && <audio className={styles.sound} controls src={material.url} aria-label={label} />}
        <figcaption className={styles.words}>
          {material.type === "same"
            ? t("material.same")
            : [material.name, material.seconds && t("material.seconds", { seconds: number(material.seconds) })]
                .filter(Boolean)
                .join(" · ")}
        </figcaption>
      </figure>
    );
  }
  return (
    <figure className={styles.view} data-seen={seen} data-small={small}>
      {url && seen && <img className={styles.picture} src={url} alt={t("material.alt", { label })} />}
      <figcaption className={styles.words}>
        {material.type === "same" && t("material.same")}
        {material.type === "avatar" && t("material.avatar")}
        {material.type === "asset" && (material.asset.name ?? t("material.asset"))}
        {material.type === "picture" && (
          <>
            {t("material.picture", { name: material.name, width: material.width, height: material.height })}
            {material.original && (
              <span className={styles.reduced} role="status">
                {t("material.reduced", {
                  width: material.original.width,
                  height: material.original.height,
                  megabytes: number(material.original.size / 1024 / 1024),
                })}
              </span>
            )}
          </>
        )}
      </figcaption>
    </figure>
  );
}
