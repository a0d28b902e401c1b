import { useTranslation } from "react-i18next";
import type { JsonValue } from "@/contract/types";
import { Field, NumberInput, RadioGroup } from "@/ui";

interface FacesFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: JsonValue;
  onChange(value: JsonValue): void;
}

/** A field for the faces to swap: the largest, all, or one by its number from the left. */
export function FacesField({ label, hint, error, value, onChange }: FacesFieldProps) {
  const { t } = useTranslation("compose");
  const text = String(value ?? "largest");
  const numbered = /^\d{1,2}$/.test(text);
  const options = (["largest", "all", "one"] as const).map((one) => ({ value: one, label: t(`faces.${one}`) }));
  return (
    <>
      <RadioGroup
        label={label}
        hint={hint}
        error={error}
        options={options}
        value={numbered ? "one" : text === "all" ? "all" : "largest"}
        onChange={(one) => onChange(one === "one" ? "0" : one)}
      />
      {numbered && (
        <Field label={t("faces.number")} hint={t("faces.number_hint")}>
          {(control) => (
            <NumberInput
              {...control}
              min={1}
              max={100}
              value={Number(text) + 1}
              onChange={(number) => number !== null && onChange(String(Math.min(99, Math.max(0, number - 1))))}
            />
          )}
        </Field>
      )}
    </>
  );
}
