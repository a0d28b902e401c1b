import { useTranslation } from "react-i18next";
import { type Field, fields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { Checkbox, Choice } from "@/ui";
import styles from "./form.module.css";
import { place } from "./form-layout";
import { ParamField } from "./param-field";
import { idle } from "./unused-params";

interface FormProps {
  kind: Kind;
  errors: ReadonlyMap<string, string>;
}

/** The params that belong beside the files. */
export function StageForm({ kind, errors }: FormProps) {
  const { stage } = place(kind, fields(paramsSchema(kind)));
  return <Params kind={kind} errors={errors} shown={stage} />;
}

/** The other params: the ones in the open, and the rest folded away with what is asked of the service itself. */
export function SettingsForm({ kind, errors }: FormProps) {
  const { t } = useTranslation("compose");
  const draft = useDraft(kind);
  const { main, more } = place(kind, fields(paramsSchema(kind)));
  const { change } = useDrafts.getState();
  const wrong = more.some(({ name }) => [...errors.keys()].some((path) => path.startsWith(`params.${name}`)));
  return (
    <>
      <Params kind={kind} errors={errors} shown={main} />
      <details className={styles.more} open={wrong || undefined}>
        <summary>{t("more")}</summary>
        <div className={styles.fields}>
          <Params kind={kind} errors={errors} shown={more} />
          <Choice
            label={t("engine.label")}
            hint={t(`engine.hint.${draft.engine ?? "automatic"}`)}
            options={(["automatic", "models", "preview"] as const).map((value) => ({
              value,
              label: t(`engine.${value}`),
            }))}
            value={draft.engine ?? "automatic"}
            onChange={(engine) => change(kind, { engine: engine === "automatic" ? null : engine })}
          />
          {draft.engine !== "preview" && (
            <Checkbox
              label={t("allow_preview.label")}
              hint={t("allow_preview.hint")}
              checked={draft.allowPreview}
              onChange={(allowPreview) => change(kind, { allowPreview })}
            />
          )}
          <Checkbox
            label={t("cache.label")}
            hint={t("cache.hint")}
            checked={draft.cache}
            onChange={(cache) => change(kind, { cache })}
          />
        </div>
      </details>
    </>
  );
}

function Params({ kind, errors, shown }: FormProps & { shown: readonly Field[] }) {
  const draft = useDraft(kind);
  const useless = idle(draft);
  const { setParam } = useDrafts.getState();
  return shown
    .filter(({ name }) => !useless.has(name))
    .map((field) => (
      <ParamField
        key={`${kind}.${field.name}`}
        kind={kind}
        field={field}
        path={`params.${field.name}`}
        value={draft.params[field.name] ?? field.standard}
        errors={errors}
        onChange={(value) => setParam(kind, field.name, value)}
      />
    ));
}
