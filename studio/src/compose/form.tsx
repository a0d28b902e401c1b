import { useTranslation } from "react-i18next";
import { type SchemaField, schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { useDraft } from "@/drafts/use-draft";
import { Checkbox, RadioGroup } from "@/ui";
import styles from "./form.module.css";
import { groupFields } from "./form-layout";
import { ParamField } from "./param-field";
import { unusedParams } from "./unused-params";

interface FormProps {
  kind: Kind;
  errors: ReadonlyMap<string, string>;
}

/** The params that stand beside the inputs. */
export function InputParamsForm({ kind, errors }: FormProps) {
  const { besideFiles } = groupFields(kind, schemaFields(paramsSchema(kind)));
  return <Params kind={kind} errors={errors} shown={besideFiles} />;
}

/** The other params: the visible ones, and the advanced ones with the request's own options. */
export function SettingsForm({ kind, errors }: FormProps) {
  const { t } = useTranslation("compose");
  const draft = useDraft(kind);
  const { visible, advanced } = groupFields(kind, schemaFields(paramsSchema(kind)));
  const { change } = useDrafts.getState();
  const advancedInvalid = advanced.some(({ name }) =>
    [...errors.keys()].some((path) => path.startsWith(`params.${name}`)),
  );
  return (
    <>
      <Params kind={kind} errors={errors} shown={visible} />
      <details className={styles.more} open={advancedInvalid || undefined}>
        <summary>{t("more")}</summary>
        <div className={styles.fields}>
          <Params kind={kind} errors={errors} shown={advanced} />
          <RadioGroup
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

function Params({ kind, errors, shown }: FormProps & { shown: readonly SchemaField[] }) {
  const draft = useDraft(kind);
  const unused = unusedParams(draft);
  const { setParam } = useDrafts.getState();
  return shown
    .filter(({ name }) => !unused.has(name))
    .map((field) => (
      <ParamField
        key={`${kind}.${field.name}`}
        kind={kind}
        field={field}
        path={`params.${field.name}`}
        value={draft.params[field.name] ?? field.defaultValue}
        errors={errors}
        onChange={(value) => setParam(kind, field.name, value)}
      />
    ));
}
