import { useTranslation } from "react-i18next";
import { type Shape, step } from "@/contract/schema-fields";
import type { JsonValue } from "@/contract/types";
import { Field, NumberInput } from "@/ui";

interface NumberFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  shape: Shape & { type: "number" };
  value: JsonValue;
  /** Whether an empty field leaves it to the service. */
  nullable: boolean;
  onChange(value: JsonValue): void;
}

/** A number that is typed; left empty, it is automatic where that is possible. */
export function NumberField({ label, hint, error, shape, value, nullable, onChange }: NumberFieldProps) {
  const { t } = useTranslation("compose");
  const { least, most, integer } = shape;
  const beyond =
    typeof value === "number" &&
    ((least !== null && (shape.above ? value <= least : value < least)) ||
      (most !== null && (shape.below ? value >= most : value > most)));
  const wrong = beyond ? (most === null ? t("from", { least }) : t("from_to", { least, most })) : undefined;
  return (
    <Field label={label} hint={hint} error={wrong ?? error}>
      {(control) => (
        <NumberInput
          {...control}
          {...(least === null ? {} : { min: shape.above ? least + step(shape) : least })}
          {...(most === null ? {} : { max: most })}
          {...{ integer, onChange }}
          placeholder={nullable ? t("automatic") : ""}
          value={typeof value === "number" ? value : null}
        />
      )}
    </Field>
  );
}
