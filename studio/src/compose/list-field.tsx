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
  const [said, setSaid] = useState("");
  const all = objectsOf(value);
  const full = widget.maxItems !== null && all.length >= widget.maxItems;

  /** Set the list after a change of its order or length, focus the card at `index`, and announce it. */
  const put = (objects: JsonObject[], index: number, announcement: string) => {
    onChange(objects);
    setSaid(announcement);
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>(":scope > li")[index]?.focus());
  };
  const add = (variant: Variant) => {
    put(
      assignRoles(widget, [...all, { [widget.discriminator]: variant.value }]),
      all.length,
      t("list.added", { number: all.length + 1 }),
    );
  };
  const remove = (index: number) => {
    const gone = all[index];
    const left = all.filter((_, at) => at !== index);
    const still = listRoles(widget, left);
    for (const role of gone ? listRoles(widget, [gone]) : []) {
      if (!still.has(role) && inputs[role]) useDrafts.getState().setInput(kind, role, null);
    }
    put(left, Math.min(index, left.length - 1), t("list.removed", { number: index + 1 }));
  };
  const move = (from: number, to: number) => {
    const moved = all[from];
    if (moved === undefined || to < 0 || to >= all.length) return;
    const others = all.filter((_, at) => at !== from);
    put([...others.slice(0, to), moved, ...others.slice(to)], to, t("list.moved", { number: to + 1 }));
  };

  return (
    <fieldset className={styles.list}>
      <legend className={styles.legend}>{labels.label(kind, field)}</legend>
      {errors.get(path) && (
        <p className={styles.error} role="alert">
          {errors.get(path)}
        </p>
      )}
      {all.length === 0 && <p className={styles.quiet}>{t("list.empty", { count: widget.minItems })}</p>}
      <ol ref={list} className={styles.cards}>
        {all.map((object, index) => {
          const variant = widget.variants.find((one) => one.value === object[widget.discriminator]);
          if (!variant) return null;
          return (
            <SceneCard
              key={keyOf(object, index, variant)}
              kind={kind}
              variant={variant}
              path={`${path}.${index}`}
              number={index + 1}
              count={all.length}
              value={object}
              unused={unusedSceneParams(object, inputs)}
              errors={errors}
              renderParam={renderParam}
              onChange={(name, one) =>
                onChange(all.map((other, at) => (at === index ? { ...other, [name]: one } : other)))
              }
              onMove={(by) => move(index, index + by)}
              onRemove={() => remove(index)}
            />
          );
        })}
      </ol>
      <VisuallyHidden>
        <span aria-live="polite">{said}</span>
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
