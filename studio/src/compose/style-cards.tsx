import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind, StyleSummary } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { humanize, useLabels } from "@/messages/labels";
import { RadioCard } from "@/ui";
import { useOptionList } from "./option-lists";
import styles from "./style-cards.module.css";

interface StyleCardsProps {
  kind: "restyle_room" | "generate";
  error?: string | undefined;
}

/** Radio cards for a kind's styles: with thumbnails for rooms, with palettes for generated pictures. */
export function StyleCards({ kind, error }: StyleCardsProps) {
  const { t } = useTranslation("compose");
  const { list } = useOptionList(kind);
  const value = useDraft(kind).params.style ?? null;
  const name = useId();
  const { setParam } = useDrafts.getState();
  const all = list ?? known(kind);
  return (
    <fieldset className={styles.styles} data-path="params.style" aria-describedby={error ? `${name}-error` : undefined}>
      <legend className={styles.legend}>{t(`style_legend.${kind}`)}</legend>
      <div className={kind === "generate" ? styles.words : styles.cards}>
        {kind === "generate" && (
          <RadioCard
            className={styles.card}
            name={name}
            checked={value === null}
            onChange={() => setParam(kind, "style", null)}
          >
            <span className={styles.title}>{t("no_style.title")}</span>
            <span className={styles.about}>{t("no_style.about")}</span>
          </RadioCard>
        )}
        {all.map((style) => (
          <StyleCard
            key={style.name}
            kind={kind}
            group={name}
            style={style}
            chosen={style.name === value}
            onChoose={() => setParam(kind, "style", style.name)}
          />
        ))}
      </div>
      {error && (
        <p id={`${name}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface StyleCardProps {
  kind: Kind;
  group: string;
  style: StyleSummary;
  chosen: boolean;
  onChoose(): void;
}

function StyleCard({ kind, group, style, chosen, onChoose }: StyleCardProps) {
  const labels = useLabels();
  const id = useId();
  const [picture, setPicture] = useState(kind === "restyle_room");
  const palette = style.palette ?? [];
  return (
    <RadioCard
      className={styles.card}
      name={group}
      value={style.name}
      checked={chosen}
      onChange={onChoose}
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-about`}
    >
      {picture ? (
        <img
          className={styles.picture}
          src={`${import.meta.env.BASE_URL}styles/${kind}/${style.name}.webp`}
          alt=""
          width={320}
          height={213}
          loading="lazy"
          onError={() => setPicture(false)}
        />
      ) : (
        palette.length > 0 && (
          <span className={styles.palette} aria-hidden="true">
            {palette.map((colour) => (
              <span key={colour} style={{ backgroundColor: colour }} />
            ))}
          </span>
        )
      )}
      <span id={`${id}-title`} className={styles.title}>
        {labels.style(kind, style.name, "title", style.title)}
      </span>
      <span id={`${id}-about`} className={styles.about}>
        {labels.style(kind, style.name, "description", style.description)}
      </span>
    </RadioCard>
  );
}

/** The styles that the contract names, shown until the service has responded. */
function known(kind: Kind): StyleSummary[] {
  const widget = schemaFields(paramsSchema(kind)).find(({ name }) => name === "style")?.widget;
  const names = widget?.type === "choice" ? widget.values.map(String) : [];
  return names.map((name) => ({ name, title: humanize(name), description: "", palette: [] }));
}
