import { useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { promptKind } from "@/contract/kinds";
import type { Kind, PromptStyle } from "@/contract/types";
import { useDraft } from "@/drafts/use-draft";
import { api, unwrap } from "@/service/api";
import { type ServiceError, toServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { Button } from "@/ui";
import styles from "./enhance-prompt.module.css";

interface EnhancePromptProps {
  kind: Kind;
  prompt: string;
  onChange(prompt: string): void;
}

/** A button that replaces a prompt by the service's enhanced version, and can undo that. */
export function EnhancePrompt({ kind, prompt, onChange }: EnhancePromptProps) {
  const { t } = useTranslation("compose");
  const { style } = useDraft(kind).params;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ServiceError | null>(null);
  const [enhancement, setEnhancement] = useState<{ before: string; after: string } | null>(null);
  // The latest props when the response arrives: by then more may have been typed.
  const latest = useRef<Pick<EnhancePromptProps, "prompt" | "onChange"> | null>(null);
  useLayoutEffect(() => {
    latest.current = { prompt, onChange };
    return () => {
      latest.current = null;
    };
  }, [prompt, onChange]);

  const enhance = async () => {
    setBusy(true);
    setError(null);
    try {
      // The form offers the styles that the service lists.
      const named = typeof style === "string" ? { style: style as PromptStyle } : {};
      const body = { prompt, kind: promptKind(kind), ...named } as const;
      const enhanced = await unwrap(api.POST("/prompts/enhance", { body }));
      if (latest.current?.prompt !== prompt) return;
      latest.current.onChange(enhanced.prompt);
      setEnhancement({ before: prompt, after: enhanced.prompt });
    } catch (thrown) {
      setError(toServiceError(thrown));
    } finally {
      setBusy(false);
    }
  };

  if (prompt.trim() === "") return null;
  return (
    <>
      {enhancement?.after === prompt ? (
        <Button
          variant="quiet"
          icon="undo"
          onClick={() => {
            onChange(enhancement.before);
            setEnhancement(null);
          }}
        >
          {t("enhance_prompt.undo")}
        </Button>
      ) : (
        <Button variant="quiet" icon="make" busy={busy} disabled={busy} onClick={() => void enhance()}>
          {t("enhance_prompt.enhance")}
        </Button>
      )}
      {error && (
        <p className={styles.error} role="alert">
          {`${errorMessage(error).title}. ${errorMessage(error).advice}`}
        </p>
      )}
    </>
  );
}
