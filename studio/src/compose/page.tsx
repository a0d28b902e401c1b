import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { kindForm } from "@/contract/kinds";
import type { Kind } from "@/contract/types";
import { type UploadRole, uploadRoles } from "@/contract/upload-roles";
import { draftOf, useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { useDraft } from "@/drafts/use-draft";
import { kindDescription, kindTitle } from "@/messages/kind-texts";
import { useRoleLabels } from "@/messages/labels";
import { useService } from "@/service/deployment";
import { toServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { hasStyles } from "@/service/option-lists";
import { Button, Notice } from "@/ui";
import { assignDroppedFiles } from "./dropped-files";
import { fieldErrors, focusField, type RejectedDraft } from "./field-errors";
import { FileField } from "./file-field";
import { InputParamsForm, SettingsForm } from "./form";
import { KeepPicker } from "./keep-picker";
import { KindPicker } from "./kind-picker";
import { MaskPanel } from "./mask-panel";
import { useFoundObjects } from "./object-detection";
import styles from "./page.module.css";
import { StyleCards } from "./style-cards";
import { SubmitBar } from "./submit-bar";
import { submitBlockers } from "./submit-blockers";
import { submitDraft } from "./submit-draft";
import { usePhoto } from "./use-photo";

/** The page with a kind's form: inputs, params, and submission. */
export function ComposePage({ kind }: { kind: Kind }) {
  const { t } = useTranslation("compose");
  const draft = useDraft(kind);
  const touched = Object.keys(draft.params).length + Object.keys(draft.inputs).length > 0;
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <h1>{kindTitle(kind, t)}</h1>
        {touched && (
          <Button
            variant="quiet"
            icon="again"
            onClick={() => {
              useDrafts.getState().reset(kind);
              useFileIntake.getState().clear(kind);
            }}
          >
            {t("start_over")}
          </Button>
        )}
        <p className={styles.lead}>{kindDescription(kind, t)}</p>
      </div>
      <KindPicker kind={kind} />
      <Composer key={kind} kind={kind} />
    </div>
  );
}

function Composer({ kind }: { kind: Kind }) {
  const { t } = useTranslation("compose");
  const [, navigate] = useLocation();
  const draft = useDraft(kind);
  const strokes = useDrafts((state) => state.strokes);
  const photo = usePhoto(draft.inputs.photo);
  const limits = useService(({ service }) => service?.config.limits);
  const [rejected, setRejected] = useState<RejectedDraft | null>(null);
  const [busy, setBusy] = useState(false);
  const roles = uploadRoles(kind);
  const paints = roles.some(({ painted }) => painted);
  const painting = paints && (strokes !== null || draft.inputs.mask === undefined);
  const picksKept = kindForm(kind).customPanel.includes("keep_at");
  const found = useFoundObjects(draft.inputs.photo) !== null;
  useDroppedFiles(kind);

  if (!limits) return null;
  const { byPath: errors, general } = fieldErrors(rejected, draft);
  const blockers = submitBlockers(draft, { strokes, size: photo }, limits);
  const chosenRoles = roles.filter(({ painted }) => !painted);
  const [requiredRoles, optionalRoles] = [
    chosenRoles.filter(({ required }) => required),
    chosenRoles.filter(({ required }) => !required),
  ];
  const styleCards = hasStyles(kind) && <StyleCards kind={kind} error={errors.get("params.style")} />;

  const submit = async () => {
    setBusy(true);
    setRejected(null);
    try {
      navigate(`/jobs/${await submitDraft(kind, photo)}`);
    } catch (thrown) {
      const error = toServiceError(thrown);
      setRejected({ error, draft: draftOf(useDrafts.getState(), kind) });
      const [first] = error.errors;
      if (first) focusField(first.field);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className={styles.columns}
      aria-label={t("form_label")}
      onSubmit={(event) => event.preventDefault()}
      noValidate
    >
      <div className={styles.stage}>
        <InputParamsForm kind={kind} errors={errors} />
        {requiredRoles.length > 0 && (
          <div className={styles.roles} data-several={requiredRoles.length > 1}>
            {requiredRoles.map((role) => (
              <RoleField
                key={role.name}
                kind={kind}
                role={role}
                error={errors.get(`uploads.${role.name}`)}
                showPicture={photo === null || !(painting || (picksKept && found))}
              />
            ))}
          </div>
        )}
        {paints && photo && <MaskPanel photo={photo} error={errors.get("uploads.mask")} />}
        {picksKept && photo && <KeepPicker kind={kind} photo={photo} />}
        {requiredRoles.length === 0 && styleCards}
        {optionalRoles.map((role) => (
          <RoleField key={role.name} kind={kind} role={role} error={errors.get(`uploads.${role.name}`)} />
        ))}
      </div>
      <div className={styles.settings}>
        {requiredRoles.length > 0 && styleCards}
        <SettingsForm kind={kind} errors={errors} />
      </div>
      <div className={styles.bar}>
        {rejected && <SubmitErrorNotice rejected={rejected} others={general.map(({ message }) => message)} />}
        <SubmitBar kind={kind} blockers={blockers} photo={photo} busy={busy} onSubmit={() => void submit()} />
      </div>
    </form>
  );
}

interface RoleFieldProps {
  kind: Kind;
  role: UploadRole;
  error: string | undefined;
  showPicture?: boolean;
}

function RoleField({ kind, role, error, showPicture = true }: RoleFieldProps) {
  const { label, hint } = useRoleLabels()(kind, role.name, role.description);
  return (
    <FileField
      kind={kind}
      role={role.name}
      media={role.media}
      label={label}
      hint={hint}
      path={`uploads.${role.name}`}
      error={error}
      required={role.required}
      showPicture={showPicture}
      small={role.media === "portrait"}
    />
  );
}

/** The error of a rejected submission. The draft is unchanged. */
function SubmitErrorNotice({ rejected: { error }, others }: { rejected: RejectedDraft; others: readonly string[] }) {
  const { title, advice, detail } = errorMessage(error);
  const details = error.errors.length > 0 ? others : [detail].filter((one) => one !== null);
  return (
    <Notice tone="bad" title={title}>
      <p>{advice}</p>
      {details.map((one) => (
        <p key={one}>{one}</p>
      ))}
    </Notice>
  );
}

/** Assigns files that are dropped anywhere, or pasted, to roles; the browser does not open them. */
function useDroppedFiles(kind: Kind): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      assignDroppedFiles(kind, files);
    };
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      assignDroppedFiles(kind, files);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, [kind]);
}
