import { useTranslation } from "react-i18next";
import type { Widget } from "@/contract/schema-fields";
import { Field } from "@/ui";
import { EnhancePrompt } from "./enhance-prompt";
import type { ParamProps } from "./param-props";
import styles from "./text-field.module.css";

interface TextFieldProps extends ParamProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  widget: Widget & { type: "text" };
}

/** Texts that may be longer than this get a textarea. */
const ONE_LINE = 100;
/** The fraction of the maximum length from which on the remaining characters are shown. */
const NEARLY_FULL = 0.8;

/** A text input or textarea with its remaining characters. Prompts can be enhanced. */
export function TextField({ kind, field, label, hint, error, widget, value, onChange }: TextFieldProps) {
  const { t } = useTranslation("compose");
  const text = typeof value === "string" ? value : "";
  const { maxLength } = widget;
  const control = {
    value: text,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
    ...(maxLength === null ? {} : { maxLength: maxLength }),
  };
  const multiline = maxLength === null || maxLength > ONE_LINE;
  return (
    <div className={styles.prompt}>
      <Field label={label} hint={hint} error={error}>
        {(tied) =>
          multiline ? (
            <textarea {...tied} {...control} rows={maxLength !== null && maxLength > 1000 ? 6 : 3} dir="auto" />
          ) : (
            <input {...tied} {...control} dir="auto" />
          )
        }
      </Field>
      <div className={styles.below}>
        {field.name === "prompt" && <EnhancePrompt kind={kind} prompt={text} onChange={onChange} />}
        {maxLength !== null && text.length >= maxLength * NEARLY_FULL && (
          <p className={styles.charactersLeft} role="status">
            {t("characters_left", { count: maxLength - text.length })}
          </p>
        )}
      </div>
    </div>
  );
}
