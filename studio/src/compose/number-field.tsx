import { useTranslation } from "react-i18next";
import { step, type Widget } from "@/contract/schema-fields";
import type { JsonValue } from "@/contract/types";
import { Field, NumberInput } from "@/ui";

interface NumberFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  widget: Widget & { type: "number" };
  value: JsonValue;
  /** Whether an empty field means the service's default. */
  nullable: boolean;
  onChange(value: JsonValue): void;
}

/** A number input; if the param is nullable, empty means automatic. */
export function NumberField({ label, hint, error, widget, value, nullable, onChange }: NumberFieldProps) {
  const { t } = useTranslation("compose");
  const { min, max, integer } = widget;
  const outOfRange =
    typeof value === "number" &&
    ((min !== null && (widget.exclusiveMin ? value <= min : value < min)) ||
      (max !== null && (widget.exclusiveMax ? value >= max : value > max)));
  const rangeError = outOfRange
    ? max === null
      ? t("at_least", { least: min })
      : t("between", { least: min, most: max })
    : undefined;
  return (
    <Field label={label} hint={hint} error={rangeError ?? error}>
      {(control) => (
        <NumberInput
          {...control}
          {...(min === null ? {} : { min: widget.exclusiveMin ? min + step(widget) : min })}
          {...(max === null ? {} : { max })}
          {...{ integer, onChange }}
          placeholder={nullable ? t("automatic") : ""}
          value={typeof value === "number" ? value : null}
        />
      )}
    </Field>
  );
}
