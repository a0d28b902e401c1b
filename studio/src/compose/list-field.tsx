import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { objectsOf } from "@/contract/json";
import type { Variant, Widget } from "@/contract/schema-fields";
import type { JsonObject } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { assignRoles, listRoles } from "@/drafts/list-roles";
import { useDraft } from "@/drafts/use-draft";
import { useLabels } from "@/messages/labels";
import { Button, ButtonRow, VisuallyHidden } from "@/ui";
import styles from "./list-field.module.css";
import type { ParamProps } from "./param-props";
import { SceneCard } from "./scene-card";
import { unusedSceneParams } from "./unused-params";

interface ListFieldProps extends ParamProps {
  widget: Widget & { type: "list" };
  /** Renders a field of an object: handed down, because a list field is itself one of a form's fields. */
  renderParam(props: ParamProps): ReactNode;
}

/** A list of objects, such as scenes: add, edit, move and remove. */
export function ListField(props: ListFieldProps) {
  const { kind, field, path, value, errors, widget, renderParam, onChange } = props;
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const { inputs } = useDraft(kind);
  const list = useRef<HTMLOListElement>(null);
  const [announcement, setAnnouncement] = useState("");
  const objects = objectsOf(value);
  const full = widget.maxItems !== null && objects.length >= widget.maxItems;

  /** Set the list after a change of its order or length, focus the card at `index`, and announce it. */
  const replaceObjects = (changed: JsonObject[], index: number, text: string) => {
    onChange(changed);
    setAnnouncement(text);
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>(":scope > li")[index]?.focus());
  };
  const add = (variant: Variant) => {
    replaceObjects(
      assignRoles(widget, [...objects, { [widget.discriminator]: variant.value }]),
      objects.length,
      t("list.added", { number: objects.length + 1 }),
    );
  };
  const remove = (index: number) => {
    const removed = objects[index];
    const remaining = objects.filter((_, at) => at !== index);
    const remainingRoles = listRoles(widget, remaining);
    for (const role of removed ? listRoles(widget, [removed]) : []) {
      if (!remainingRoles.has(role) && inputs[role]) useDrafts.getState().setInput(kind, role, null);
    }
    replaceObjects(remaining, Math.min(index, remaining.length - 1), t("list.removed", { number: index + 1 }));
  };
  const move = (from: number, to: number) => {
    const moved = objects[from];
    if (moved === undefined || to < 0 || to >= objects.length) return;
    const others = objects.filter((_, at) => at !== from);
    replaceObjects([...others.slice(0, to), moved, ...others.slice(to)], to, t("list.moved", { number: to + 1 }));
  };

  return (
    <fieldset className={styles.list}>
      <legend className={styles.legend}>{labels.label(kind, field)}</legend>
      {errors.get(path) && (
        <p className={styles.error} role="alert">
          {errors.get(path)}
        </p>
      )}
      {objects.length === 0 && <p className={styles.quiet}>{t("list.empty", { count: widget.minItems })}</p>}
      <ol ref={list} className={styles.cards}>
        {objects.map((object, index) => {
          const variant = widget.variants.find((one) => one.value === object[widget.discriminator]);
          if (!variant) return null;
          return (
            <SceneCard
              key={keyOf(object, index, variant)}
              kind={kind}
              variant={variant}
              path={`${path}.${index}`}
              number={index + 1}
              count={objects.length}
              value={object}
              unused={unusedSceneParams(object, inputs)}
              errors={errors}
              renderParam={renderParam}
              onChange={(name, one) =>
                onChange(objects.map((other, at) => (at === index ? { ...other, [name]: one } : other)))
              }
              onMove={(by) => move(index, index + by)}
              onRemove={() => remove(index)}
            />
          );
        })}
      </ol>
      <VisuallyHidden>
        <span aria-live="polite">{announcement}</span>
      </VisuallyHidden>
      {!full && (
        <div className={styles.add}>
          <p className={styles.quiet}>{t("list.add")}</p>
          <ButtonRow>
            {widget.variants.map((variant) => (
              <Button key={variant.value} icon="add" onClick={() => add(variant)} title={variant.description}>
                {labels.scene(variant.value, "title", variant.value)}
              </Button>
            ))}
          </ButtonRow>
        </div>
      )}
    </fieldset>
  );
}

/** A key that is stable while cards move: the roles of the card's own files, else its index. */
function keyOf(object: JsonObject, index: number, variant: Variant): string {
  const roles = variant.fields.filter(({ widget }) => widget.type === "role").map(({ name }) => object[name]);
  return roles.length > 0 ? `${variant.value}/${roles.join("/")}` : `${variant.value}/${index}`;
}
