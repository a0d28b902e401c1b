import { useTranslation } from "react-i18next";
import { isSliderRange, sliderBounds, step } from "@/contract/schema-fields";
import { useLabels } from "@/messages/labels";
import { Checkbox, Field as Labelled, RadioGroup, Slider } from "@/ui";
import { FacesField } from "./faces-field";
import { JsonField } from "./json-field";
import { ListField } from "./list-field";
import { NumberField } from "./number-field";
import styles from "./param-field.module.css";
import type { ParamProps } from "./param-props";
import { SeedField } from "./seed-field";
import { TagsField } from "./tags-field";
import { TextField } from "./text-field";
import { VoiceField } from "./voice-field";

/** Up to this many options are radio buttons; more are a select. */
const MAX_RADIO_OPTIONS = 5;
const MAX_ASPECT_OPTIONS = 9;

/** The form control for a param: by its schema's widget, or a custom one for known names. */
export function ParamField(props: ParamProps) {
  return (
    <div data-path={props.path} className={styles.param}>
      <ParamControl {...props} />
    </div>
  );
}

function ParamControl(props: ParamProps) {
  const { kind, field, path, value, errors, onChange } = props;
  const { widget, name } = field;
  const labels = useLabels();
  const label = labels.label(kind, field);
  const hint = labels.hint(kind, field);
  const error = errors.get(path);
  const sharedProps = { label, hint, error };
  const format = useFormat(name);

  if (name === "seed") return <SeedField {...sharedProps} value={value} onChange={onChange} />;
  if (name === "faces") return <FacesField {...sharedProps} value={value} onChange={onChange} />;
  if (name === "voice" && widget.type === "choice") {
    return <VoiceField {...sharedProps} names={widget.values.map(String)} value={value} onChange={onChange} />;
  }
  switch (widget.type) {
    case "number":
      if (!isSliderRange(widget) || field.nullable) {
        return (
          <NumberField {...sharedProps} widget={widget} value={value} nullable={field.nullable} onChange={onChange} />
        );
      }
      return (
        <Slider
          {...sharedProps}
          {...sliderBounds(widget)}
          step={step(widget)}
          value={typeof value === "number" ? value : widget.min}
          format={format}
          onChange={onChange}
        />
      );
    case "text":
      return <TextField {...sharedProps} {...props} widget={widget} />;
    case "choice":
      return <ChoiceField {...props} values={widget.values} />;
    case "switch":
    case "consent":
      return <Checkbox {...sharedProps} checked={value === true} onChange={onChange} />;
    case "tags":
      return <TagsField {...sharedProps} widget={widget} value={value} onChange={onChange} />;
    case "list":
      return <ListField {...props} widget={widget} renderParam={(inner) => <ParamField {...inner} />} />;
    case "json":
      return <JsonField {...sharedProps} value={value} onChange={onChange} />;
    default:
      // Points are set on the photo; roles belong to their list.
      return null;
  }
}

function ChoiceField({
  kind,
  field,
  path,
  value,
  errors,
  values,
  onChange,
}: ParamProps & { values: readonly (string | number)[] }) {
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const { name } = field;
  const label = labels.label(kind, field);
  const hint = labels.hint(kind, field);
  const error = errors.get(path);
  const options = values.map((one) => ({ value: String(one), label: labels.value(name, String(one)) }));
  const allOptions = field.nullable ? [{ value: "", label: t("automatic") }, ...options] : options;
  const chosen = value !== null ? String(value) : field.nullable ? "" : null;
  const choose = (one: string) => onChange(values.find((candidate) => String(candidate) === one) ?? null);
  if (allOptions.length <= (name === "aspect" ? MAX_ASPECT_OPTIONS : MAX_RADIO_OPTIONS)) {
    return <RadioGroup label={label} hint={hint} error={error} options={allOptions} value={chosen} onChange={choose} />;
  }
  return (
    <Labelled label={label} hint={hint} error={error}>
      {(control) => (
        <select {...control} value={chosen ?? ""} onChange={(event) => choose(event.target.value)}>
          {chosen === null && <option value="">{t("choose")}</option>}
          {allOptions.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

/** A formatter for slider values: fractions as percent, other numbers with their field's unit. */
function useFormat(name: string): (value: number) => string {
  const { i18n } = useTranslation("compose");
  const language = i18n.resolvedLanguage;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  return (value) => {
    switch (name) {
      case "strength":
      case "music_volume":
        return percent.format(value);
      case "scale":
        return `${number.format(value)}×`;
      case "transition_seconds":
        return `${number.format(value)} s`;
      case "grow":
        return `${number.format(value)} px`;
      case "loudness":
        return `${number.format(value)} LUFS`;
      default:
        return number.format(value);
    }
  };
}
