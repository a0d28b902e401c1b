import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { textsOf } from "@/contract/json";
import type { Widget } from "@/contract/schema-fields";
import type { JsonValue } from "@/contract/types";
import { Button, Field, Icon } from "@/ui";
import styles from "./tags-field.module.css";

interface TagsFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  widget: Widget & { type: "tags" };
  value: JsonValue;
  onChange(value: JsonValue): void;
}

/** A field for several short texts, as removable tags. */
export function TagsField({ label, hint, error, widget, value, onChange }: TagsFieldProps) {
  const { t } = useTranslation("compose");
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const datalistId = useId();
  const tags = textsOf(value);
  const full = widget.maxItems !== null && tags.length >= widget.maxItems;

  const add = () => {
    const typedTags = text
      .split(",")
      .map((one) => one.trim().toLowerCase())
      .filter(Boolean);
    const allTags = [...new Set([...tags, ...typedTags])];
    if (typedTags.length > 0) onChange(widget.maxItems === null ? allTags : allTags.slice(0, widget.maxItems));
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      add();
    } else if (event.key === "Backspace" && text === "" && tags.length > 0) onChange(tags.slice(0, -1));
  };

  return (
    <Field label={label} hint={full ? t("tags.full", { count: widget.maxItems ?? 0 }) : hint} error={error}>
      {(control) => (
        <>
          {tags.length > 0 && (
            <ul className={styles.tags}>
              {tags.map((tag) => (
                <li key={tag}>
                  <button
                    type="button"
                    className={styles.tag}
                    aria-label={t("tags.remove", { tag })}
                    onClick={() => {
                      onChange(tags.filter((one) => one !== tag));
                      input.current?.focus();
                    }}
                  >
                    {tag}
                    <Icon name="close" size={14} />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div className={styles.row}>
            <input
              {...control}
              ref={input}
              value={text}
              disabled={full}
              enterKeyHint="done"
              list={widget.examples.length > 0 ? datalistId : undefined}
              {...(widget.maxLength === null ? {} : { maxLength: widget.maxLength })}
              placeholder={widget.examples.join(", ")}
              onChange={(event) => setText(event.target.value)}
              onKeyDown={onKeyDown}
              onBlur={add}
            />
            <Button icon="add" disabled={full || text.trim() === ""} onClick={add}>
              {t("tags.add")}
            </Button>
          </div>
          {widget.examples.length > 0 && (
            <datalist id={datalistId}>
              {widget.examples.map((example) => (
                <option key={example} value={example} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}
