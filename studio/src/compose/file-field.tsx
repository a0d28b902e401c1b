import { type DragEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Kind } from "@/contract/types";
import type { UploadRole } from "@/contract/upload-roles";
import { useDrafts } from "@/drafts/draft";
import { useFileIntake, useIntakeStatus } from "@/drafts/file-intake";
import { InputFileError } from "@/drafts/input-file";
import { useDraft } from "@/drafts/use-draft";
import { useService } from "@/service/deployment";
import { Button, Icon, Loading, Notice } from "@/ui";
import { AssetPicker } from "./asset-picker";
import { AvatarCards } from "./avatar-cards";
import styles from "./file-field.module.css";
import { InputFileView } from "./input-file-view";

interface FileFieldProps {
  kind: Kind;
  role: string;
  media: UploadRole["media"];
  label: string;
  hint?: string | undefined;
  /** The field's path, as in the service's errors. */
  path: string;
  error?: string | undefined;
  required?: boolean;
  /** Whether the picture is shown here; false if the page shows it elsewhere. */
  showPicture?: boolean;
  /** Whether the compact layout is used. */
  small?: boolean;
}

const PICTURES = "image/jpeg,image/png,image/webp,image/heic,image/heif,image/avif";

/** A field for an input file: by drop, paste, file dialog, the asset library or an avatar. */
export function FileField({
  kind,
  role,
  media,
  label,
  hint,
  path,
  error,
  required = true,
  showPicture = true,
  small = false,
}: FileFieldProps) {
  const { t } = useTranslation("compose");
  const inputFile = useDraft(kind).inputs[role];
  const status = useIntakeStatus(kind, role);
  const audioTypes = useService(({ service }) => service?.config.limits.audio_types);
  const [draggedOver, setDraggedOver] = useState(false);
  const [pickerOpen, setPickerOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const sound = media === "sound";

  const addFile = (file: File | undefined) => {
    if (file) void useFileIntake.getState().addFile(kind, role, file, sound ? "sound" : "picture");
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setDraggedOver(false);
    addFile(event.dataTransfer.files[0]);
  };

  return (
    <fieldset className={styles.field} data-path={path} aria-describedby={error ? `${id}-error` : undefined}>
      <legend className={styles.legend}>
        {label}
        {!required && <span className={styles.optional}>{t("optional")}</span>}
      </legend>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the buttons inside do the same */}
      <div
        className={[
          styles.zone,
          draggedOver && styles.over,
          (inputFile || !required || small) && styles.small,
          inputFile && styles.filled,
          inputFile && !showPicture && styles.line,
        ]
          .filter(Boolean)
          .join(" ")}
        onDragOver={(event) => {
          event.preventDefault();
          setDraggedOver(true);
        }}
        onDragLeave={() => setDraggedOver(false)}
        onDrop={drop}
      >
        {!inputFile && required && !small && (
          <Icon name={sound ? "sound" : media === "portrait" ? "user" : "assets"} size={36} />
        )}
        {inputFile && (
          <InputFileView inputFile={inputFile} sound={sound} label={label} showPicture={showPicture} small={small} />
        )}
        {status.busy && <Loading>{t("file_intake.reading")}</Loading>}
        <div className={styles.actions}>
          <Button
            variant={inputFile || !required ? "secondary" : "primary"}
            icon="upload"
            onClick={() => input.current?.click()}
            aria-describedby={hint ? `${id}-hint` : undefined}
          >
            {t(
              inputFile ? "file_intake.choose_other" : sound ? "file_intake.choose_sound" : "file_intake.choose_photo",
            )}
          </Button>
          {!sound && (
            <Button
              icon="assets"
              title={t("file_intake.from_library")}
              aria-label={t("file_intake.from_library")}
              onClick={() => setPickerOpen(true)}
            >
              <span className={styles.word}>{t("file_intake.from_library")}</span>
            </Button>
          )}
          {inputFile && (
            <Button
              variant="quiet"
              icon="trash"
              title={t("file_intake.remove")}
              aria-label={t("file_intake.remove")}
              onClick={() => useDrafts.getState().setInput(kind, role, null)}
            >
              <span className={styles.word}>{t("file_intake.remove")}</span>
            </Button>
          )}
        </div>
        {!inputFile && !status.busy && (
          <p className={styles.quiet}>{t(sound ? "file_intake.drop_sound" : "file_intake.drop")}</p>
        )}
        <input
          ref={input}
          type="file"
          hidden
          accept={sound ? audioTypes?.join(",") : PICTURES}
          aria-label={label}
          onChange={(event) => {
            addFile(event.target.files?.[0]);
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
      {status.error && <FileErrorNotice error={status.error} />}
      {error && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
      {pickerOpen && (
        <AssetPicker
          onClose={() => setPickerOpen(false)}
          onChoose={(asset) => {
            useFileIntake.getState().setError(kind, role, null);
            useDrafts.getState().setInput(kind, role, { type: "asset", asset });
            setPickerOpen(false);
          }}
        />
      )}
    </fieldset>
  );
}

/** The reason why a file was rejected, and what to do. */
function FileErrorNotice({ error }: { error: Error }) {
  const { t } = useTranslation("compose");
  const reason = error instanceof InputFileError ? error.reason : "unreadable";
  const values = error instanceof InputFileError ? error.values : {};
  return (
    <Notice tone="bad" title={t("rejected_file.title")}>
      <p>{t(`rejected_file.${reason}`, values)}</p>
    </Notice>
  );
}
