import { type DragEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Kind } from "@/contract/types";
import type { Role } from "@/contract/upload-roles";
import { useDrafts } from "@/drafts/draft";
import { useIntake, useTaking } from "@/drafts/file-intake";
import { MaterialError } from "@/drafts/input-file";
import { useDraft } from "@/drafts/use-draft";
import { useService } from "@/service/deployment";
import { Button, Icon, Notice, Waiting } from "@/ui";
import { AssetPicker } from "./asset-picker";
import { AvatarCards } from "./avatar-cards";
import styles from "./file-field.module.css";
import { MaterialView } from "./input-file-view";

interface IntakeFieldProps {
  kind: Kind;
  role: string;
  media: Role["media"];
  label: string;
  hint?: string | undefined;
  /** Where the service's errors and the main button find it. */
  path: string;
  error?: string | undefined;
  required?: boolean;
  /** Whether the picture is shown; not where something else on the page shows it already. */
  seen?: boolean;
  /** Whether it takes little room: where other things matter as much. */
  small?: boolean;
}

const PICTURES = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif";

/** Where a file is dropped, pasted or chosen, or something of the library taken in its place. */
export function IntakeField({
  kind,
  role,
  media,
  label,
  hint,
  path,
  error,
  required = true,
  seen = true,
  small = false,
}: IntakeFieldProps) {
  const { t } = useTranslation("compose");
  const material = useDraft(kind).materials[role];
  const taking = useTaking(kind, role);
  const audioTypes = useService(({ service }) => service?.config.limits.audio_types);
  const [over, setOver] = useState(false);
  const [library, setLibrary] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const sound = media === "sound";

  const take = (file: File | undefined) => {
    if (file) void useIntake.getState().take(kind, role, file, sound ? "sound" : "picture");
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };

  return (
    <fieldset className={styles.intake} data-path={path} aria-describedby={error ? `${id}-error` : undefined}>
      <legend className={styles.legend}>
        {label}
        {!required && <span className={styles.optional}>{t("optional")}</span>}
      </legend>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the buttons inside do the same */}
      <div
        className={[
          styles.zone,
          over && styles.over,
          (material || !required || small) && styles.small,
          material && styles.given,
          material && !seen && styles.line,
        ]
          .filter(Boolean)
          .join(" ")}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {!material && required && !small && (
          <Icon name={sound ? "sound" : media === "portrait" ? "user" : "assets"} size={36} />
        )}
        {material && <MaterialView material={material} sound={sound} label={label} seen={seen} small={small} />}
        {taking.busy && <Waiting>{t("intake.reading")}</Waiting>}
        <div className={styles.actions}>
          <Button
            look={material || !required ? "secondary" : "primary"}
            icon="upload"
            onClick={() => input.current?.click()}
            aria-describedby={hint ? `${id}-hint` : undefined}
          >
            {t(material ? "intake.another" : sound ? "intake.choose_sound" : "intake.choose_photo")}
          </Button>
          {!sound && (
            <Button
              icon="assets"
              title={t("intake.library")}
              aria-label={t("intake.library")}
              onClick={() => setLibrary(true)}
            >
              <span className={styles.word}>{t("intake.library")}</span>
            </Button>
          )}
          {material && (
            <Button
              look="quiet"
              icon="trash"
              title={t("intake.remove")}
              aria-label={t("intake.remove")}
              onClick={() => useDrafts.getState().setMaterial(kind, role, null)}
            >
              <span className={styles.word}>{t("intake.remove")}</span>
            </Button>
          )}
        </div>
        {!material && !taking.busy && <p className={styles.quiet}>{t(sound ? "intake.drop_sound" : "intake.drop")}</p>}
        <input
          ref={input}
          type="file"
          hidden
          accept={sound ? audioTypes?.join(",") : PICTURES}
          aria-label={label}
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </div>
      {hint && (
        <p id={`${id}-hint`} className={styles.quiet}>
          {hint}
        </p>
      )}
      {media === "portrait" && <AvatarCards kind={kind} role={role} />}
      {taking.error && <Refused error={taking.error} />}
      {error && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
      {library && (
        <AssetPicker
          onClose={() => setLibrary(false)}
          onChoose={(asset) => {
            useIntake.getState().refuse(kind, role, null);
            useDrafts.getState().setMaterial(kind, role, { type: "asset", asset });
            setLibrary(false);
          }}
        />
      )}
    </fieldset>
  );
}

/** Why a file was not taken, and what to do. */
function Refused({ error }: { error: Error }) {
  const { t } = useTranslation("compose");
  const reason = error instanceof MaterialError ? error.reason : "unreadable";
  const values = error instanceof MaterialError ? error.values : {};
  return (
    <Notice tone="bad" title={t("refused.title")}>
      <p>{t(`refused.${reason}`, values)}</p>
    </Notice>
  );
}
