import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Job } from "@/contract/types";
import { formatDateTime } from "@/messages/format";
import { kindTitle } from "@/messages/kind-texts";
import { api, unwrap } from "@/service/api";
import { Button, buttonClass, ErrorNotice, Icon, Notice, useAction } from "@/ui";
import { downloadOutput } from "./download-output";
import type { OutputFile } from "./outputs";

interface FileActionsProps {
  job: Job;
  file: OutputFile;
  /** The button's label; “Download” if omitted. */
  label?: string;
  /** Whether the file can be saved to the library: only pictures can. */
  canSaveToLibrary?: boolean;
}

/** Buttons to download a file, or to save it to the library. */
export function FileActions({ job, file, label, canSaveToLibrary = false }: FileActionsProps) {
  const { t } = useTranslation("jobs");
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");

  async function download() {
    setState("busy");
    try {
      await downloadOutput(job, file);
      setState("idle");
    } catch {
      setState("failed");
    }
  }

  return (
    <>
      <Button icon="download" busy={state === "busy"} onClick={() => void download()}>
        {label ?? t("result.download")}
      </Button>
      {canSaveToLibrary && <SaveToLibraryButton job={job} file={file} />}
      {state === "failed" && <Notice tone="bad" title={t("result.download_failed")} />}
    </>
  );
}

/** A button that saves a picture to the asset library, where it outlives its job. */
function SaveToLibraryButton({ job, file }: { job: Job; file: OutputFile }) {
  const { t, i18n } = useTranslation("jobs");
  const { busy, error, run } = useAction();
  const [saved, setSaved] = useState(false);
  // The same key for every press: the picture is saved once, even if a response was lost.
  const key = useRef(crypto.randomUUID());

  const saveToLibrary = async () => {
    const name = `${kindTitle(job.kind, t)}, ${formatDateTime(job.created_at, i18n.language)}`;
    await unwrap(
      api.POST("/assets", {
        params: { header: { "Idempotency-Key": key.current } },
        body: { job_id: job.job_id, picture: file.name, name },
      }),
    );
    setSaved(true);
  };

  if (saved) {
    return (
      <Link href="/assets" className={buttonClass("quiet")}>
        <Icon name="check" />
        {t("result.saved")}
      </Link>
    );
  }
  return (
    <>
      <Button icon="assets" busy={busy} disabled={busy} onClick={() => run(saveToLibrary)}>
        {t("result.save")}
      </Button>
      {error && <ErrorNotice title={t("result.save_failed")} error={error} />}
    </>
  );
}
