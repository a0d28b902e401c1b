import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { objectsOf } from "@/contract/json";
import type { Shape, Variant } from "@/contract/schema-fields";
import type { JsonObject } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { rolesIn, withRoles } from "@/drafts/list-roles";
import { useDraft } from "@/drafts/use-draft";
import { useWords } from "@/messages/labels";
import { Button, Buttons, Hidden } from "@/ui";
import styles from "./list-field.module.css";
import type { ParamProps } from "./param-props";
import { SceneCard } from "./scene-card";
import { idleInScene } from "./unused-params";

interface ListFieldProps extends ParamProps {
  shape: Shape & { type: "list" };
  /** Renders a field of an object: handed down, because a list field is itself one of a form's fields. */
  renderParam(props: ParamProps): ReactNode;
}

/** A list of objects, such as scenes: added, changed, moved and taken away. */
export function ListField(props: ListFieldProps) {
  const { kind, field, path, value, errors, shape, renderParam, onChange } = props;
  const { t } = useTranslation("compose");
  const words = useWords();
  const { materials } = useDraft(kind);
  const list = useRef<HTMLOListElement>(null);
  const [said, setSaid] = useState("");
  const all = objectsOf(value);
  const full = shape.most !== null && all.length >= shape.most;

  /** The list with another order or length; the card at `index` gets the focus. */
  const put = (objects: JsonObject[], index: number, words: string) => {
    onChange(objects);
    setSaid(words);
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>(":scope > li")[index]?.focus());
  };
  const add = (variant: Variant) => {
    put(
      withRoles(shape, [...all, { [shape.by]: variant.value }]),
      all.length,
      t("list.added", { number: all.length + 1 }),
    );
  };
  const remove = (index: number) => {
    const gone = all[index];
    const left = all.filter((_, at) => at !== index);
    const still = rolesIn(shape, left);
    for (const role of gone ? rolesIn(shape, [gone]) : []) {
      if (!still.has(role) && materials[role]) useDrafts.getState().setMaterial(kind, role, null);
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
      <legend className={styles.legend}>{words.label(kind, field)}</legend>
      {errors.get(path) && (
        <p className={styles.error} role="alert">
          {errors.get(path)}
        </p>
      )}
      {all.length === 0 && <p className={styles.quiet}>{t("list.empty", { count: shape.least })}</p>}
      <ol ref={list} className={styles.cards}>
        {all.map((object, index) => {
          const variant = shape.variants.find((one) => one.value === object[shape.by]);
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
              idle={idleInScene(object, materials)}
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
      <Hidden>
        <span aria-live="polite">{said}</span>
      </Hidden>
      {!full && (
        <div className={styles.add}>
          <p className={styles.quiet}>{t("list.add")}</p>
          <Buttons>
            {shape.variants.map((variant) => (
              <Button key={variant.value} icon="add" onClick={() => add(variant)} title={variant.about}>
                {words.scene(variant.value, "title", variant.value)}
              </Button>
            ))}
          </Buttons>
        </div>
      )}
    </fieldset>
  );
}

/** What a card is known by while it moves: the role of its own file; cards without one stay where they are. */
function keyOf(object: JsonObject, index: number, variant: Variant): string {
  const roles = variant.fields.filter(({ shape }) => shape.type === "role").map(({ name }) => object[name]);
  return roles.length > 0 ? `${variant.value}/${roles.join("/")}` : `${variant.value}/${index}`;
}
