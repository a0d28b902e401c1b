import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { SchemaField, Variant } from "@/contract/schema-fields";
import type { JsonObject, JsonValue, Kind } from "@/contract/types";
import { useLabels } from "@/messages/labels";
import { IconButton } from "@/ui";
import { FileField } from "./file-field";
import type { ParamProps } from "./param-props";
import styles from "./scene-card.module.css";

interface SceneCardProps {
  kind: Kind;
  variant: Variant;
  path: string;
  /** The position, from 1, of `count`. */
  number: number;
  count: number;
  value: JsonObject;
  /** Fields that are ignored because of other fields. */
  unused: ReadonlySet<string>;
  errors: ReadonlyMap<string, string>;
  /** Renders one of the fields. */
  renderParam(props: ParamProps): ReactNode;
  onChange(name: string, value: JsonValue): void;
  /** Up by -1, down by 1. */
  onMove(by: -1 | 1): void;
  onRemove(): void;
}

/** Beside required fields, only these are visible; the rest are advanced. */
const VISIBLE: ReadonlySet<string> = new Set(["script", "prompt"]);

/** A card for one object of a list: its file, its visible fields, and the advanced ones. */
export function SceneCard(props: SceneCardProps) {
  const { kind, variant, path, number, count, value, unused, errors, renderParam, onChange, onMove, onRemove } = props;
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const title = t("list.title", { number, what: labels.scene(variant.value, "title", variant.value) });
  const usedFields = variant.fields.filter(({ name }) => !unused.has(name));
  const fileFields = usedFields.filter(({ required, widget }) => required && widget.type === "role");
  const visible = [
    ...fileFields,
    ...usedFields.filter((field) => !fileFields.includes(field) && (field.required || VISIBLE.has(field.name))),
  ];
  const advanced = usedFields.filter((field) => !visible.includes(field));
  const renderField = (field: SchemaField) => {
    const fieldPath = `${path}.${field.name}`;
    const role = value[field.name];
    if (field.widget.type === "role") {
      if (typeof role !== "string") return null;
      return (
        <FileField
          key={field.name}
          kind={kind}
          role={role}
          path={fieldPath}
          media={field.name === "avatar" ? "portrait" : field.name === "voice_track" ? "sound" : "picture"}
          label={labels.label(kind, field)}
          hint={labels.hint(kind, field)}
          error={errors.get(fieldPath)}
          required={field.required}
          small
        />
      );
    }
    return (
      <Fragment key={field.name}>
        {renderParam({
          kind,
          field,
          path: fieldPath,
          value: value[field.name] ?? field.defaultValue,
          errors,
          onChange: (one) => onChange(field.name, one),
        })}
      </Fragment>
    );
  };
  return (
    <li className={styles.card} tabIndex={-1} aria-label={t("list.position", { title, count })}>
      <div className={styles.head}>
        <h2>{title}</h2>
        <IconButton icon="up" label={t("list.move_up", { title })} disabled={number === 1} onClick={() => onMove(-1)} />
        <IconButton
          icon="down"
          label={t("list.move_down", { title })}
          disabled={number === count}
          onClick={() => onMove(1)}
        />
        <IconButton icon="trash" label={t("list.remove", { title })} onClick={onRemove} />
      </div>
      {visible.map(renderField)}
      {advanced.length > 0 && (
        <details className={styles.more}>
          <summary>{t("more")}</summary>
          <div className={styles.fields}>{advanced.map(renderField)}</div>
        </details>
      )}
    </li>
  );
}
