import { useTranslation } from "react-i18next";
import type { JsonValue } from "@/contract/types";
import { humanize } from "@/messages/humanize";
import { useLabels } from "@/messages/labels";
import { useOptionList } from "@/service/option-lists";
import { Field } from "@/ui";

interface VoiceFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** The voices that the contract names. */
  names: readonly string[];
  value: JsonValue;
  onChange(value: JsonValue): void;
}

/** A select for the voice, grouped by language once the service's list is there. */
export function VoiceField({ label, hint, error, names, value, onChange }: VoiceFieldProps) {
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const voices = useOptionList("voices").list ?? names.map((name) => ({ name, title: humanize(name), language: "" }));
  const languages = [...new Set(voices.map(({ language }) => language))];
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <select
          {...control}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.target.value || null)}
        >
          <option value="">{t("automatic")}</option>
          {languages.map((language) => (
            <optgroup key={language} label={language ? labels.value("language", language) : t("voices")}>
              {voices
                .filter((voice) => voice.language === language)
                .map((voice) => (
                  <option key={voice.name} value={voice.name}>
                    {voice.title}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      )}
    </Field>
  );
}
