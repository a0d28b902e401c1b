import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { kindForm } from "@/contract/kinds";
import { type SchemaField, schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind, StyleSummary } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { humanize } from "@/messages/humanize";
import { useLabels } from "@/messages/labels";
import { type StyledKind, useOptionList } from "@/service/option-lists";
import { RadioCard } from "@/ui";
import styles from "./style-cards.module.css";

interface StyleCardsProps {
  kind: StyledKind;
  error?: string | undefined;
}

/** Radio cards for a kind's styles. Kinds that change a photo have thumbnails: each style on the same sample. */
export function StyleCards({ kind, error }: StyleCardsProps) {
  const { t } = useTranslation("compose");
  const labels = useLabels();
  const { list } = useOptionList(kind);
  const value = useDraft(kind).params.style ?? null;
  const name = useId();
  const { setParam } = useDrafts.getState();
  const field = schemaFields(paramsSchema(kind)).find((one) => one.name === "style");
  const all = list ?? contractStyles(field);
  const thumbnails = kindForm(kind).comparedRole !== null;
  return (
    <fieldset className={styles.styles} data-path="params.style" aria-describedby={error ? `${name}-error` : undefined}>
      <legend className={styles.legend}>{labels.styleLegend(kind)}</legend>
      <div className={thumbnails ? styles.cards : styles.words}>
        {field?.nullable && (
          <RadioCard
            className={styles.card}
            name={name}
            checked={value === null}
            onChange={() => setParam(kind, "style", null)}
          >
            <span className={styles.title}>{t("no_style.title")}</span>
            <span className={styles.about}>{t("no_style.description")}</span>
          </RadioCard>
        )}
        {all.map((style) => (
          <StyleCard
            key={style.name}
            kind={kind}
            group={name}
            style={style}
            thumbnail={thumbnails}
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
  /** Whether the style has a thumbnail; its palette is shown otherwise, and if it cannot be loaded. */
  thumbnail: boolean;
  chosen: boolean;
  onChoose(): void;
}

function StyleCard({ kind, group, style, thumbnail, chosen, onChoose }: StyleCardProps) {
  const labels = useLabels();
  const id = useId();
  const [failed, setFailed] = useState(false);
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
      {thumbnail && !failed ? (
        <img
          className={styles.picture}
          src={`${import.meta.env.BASE_URL}styles/${kind}/${style.name}.webp`}
          alt=""
          width={320}
          height={213}
          loading="lazy"
          onError={() => setFailed(true)}
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
        {labels.style(style, "title")}
      </span>
      <span id={`${id}-about`} className={styles.about}>
        {labels.style(style, "description")}
      </span>
    </RadioCard>
  );
}

/** The styles that the contract names, shown until the service has responded. */
function contractStyles(field: SchemaField | undefined): StyleSummary[] {
  const names = field?.widget.type === "choice" ? field.widget.values.map(String) : [];
  return names.map((name) => ({ name, title: humanize(name), description: "", palette: [], translations: {} }));
}
