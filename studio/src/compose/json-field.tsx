import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toJson } from "@/contract/json";
import type { JsonValue } from "@/contract/types";
import { Field } from "@/ui";

interface JsonFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: JsonValue;
  onChange(value: JsonValue): void;
}

/** A JSON text field, for params whose schema has no other widget. */
export function JsonField({ label, hint, error, value, onChange }: JsonFieldProps) {
  const { t } = useTranslation("compose");
  const [text, setText] = useState(() => (value === null ? "" : JSON.stringify(value)));
  const [invalid, setInvalid] = useState(false);
  return (
    <Field label={label} hint={hint} error={invalid ? t("invalid_json") : error}>
      {(control) => (
        <textarea
          {...control}
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            try {
              onChange(event.target.value.trim() === "" ? null : toJson(JSON.parse(event.target.value)));
              setInvalid(false);
            } catch {
              setInvalid(true);
            }
          }}
        />
      )}
    </Field>
  );
}
