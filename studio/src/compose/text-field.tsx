import { useTranslation } from "react-i18next";
import type { Shape } from "@/contract/schema-fields";
import { Field } from "@/ui";
import { Improve } from "./enhance-prompt";
import type { ParamProps } from "./param-props";
import styles from "./text-field.module.css";

interface PromptFieldProps extends ParamProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  shape: Shape & { type: "text" };
}

/** Texts longer than this get several lines. */
const ONE_LINE = 100;
/** What is left is said once less than this share of the room is free. */
const NEARLY_FULL = 0.8;

/** Words: one line or several, with what room is left; a prompt can be had better. */
export function PromptField({ kind, field, label, hint, error, shape, value, onChange }: PromptFieldProps) {
  const { t } = useTranslation("compose");
  const text = typeof value === "string" ? value : "";
  const { longest } = shape;
  const control = {
    value: text,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
    ...(longest === null ? {} : { maxLength: longest }),
  };
  const long = longest === null || longest > ONE_LINE;
  return (
    <div className={styles.prompt}>
      <Field label={label} hint={hint} error={error}>
        {(tied) =>
          long ? (
            <textarea {...tied} {...control} rows={longest !== null && longest > 1000 ? 6 : 3} dir="auto" />
          ) : (
            <input {...tied} {...control} dir="auto" />
          )
        }
      </Field>
      <div className={styles.below}>
        {field.name === "prompt" && <Improve kind={kind} prompt={text} onChange={onChange} />}
        {longest !== null && text.length >= longest * NEARLY_FULL && (
          <p className={styles.left} role="status">
            {t("characters_left", { count: longest - text.length })}
          </p>
        )}
      </div>
    </div>
  );
}
