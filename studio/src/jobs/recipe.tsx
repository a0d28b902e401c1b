import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Job, Quality, Result } from "@/contract/types";
import { formatDateTime, formatSeconds, formatUsd } from "@/messages/format";
import { humanize } from "@/messages/humanize";
import { useLabels } from "@/messages/labels";
import { useStyleTitle } from "@/service/option-lists";
import { Fact, Facts } from "@/ui";
import { pictures } from "./outputs";
import styles from "./recipe.module.css";
import { stageText } from "./status-text";

const SCORES = ["score", "structure", "style", "visual", "objects"] as const;
const REVISION_LETTERS = 10;

/** The recipe of a job: everything that is needed to reproduce its result, and its cost. */
export function Recipe({ job }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const { result } = job;
  const totalSeconds = job.timeline.reduce((sum, stage) => sum + stage.seconds, 0);
  return (
    <details className={styles.recipe}>
      <summary>{t("recipe.title")}</summary>
      <div className={styles.parts}>
        <Facts>
          <Fact name={t("recipe.engine")}>{t(`recipe.engines.${result?.engine ?? job.engine}`)}</Fact>
          {result && <ResultFacts result={result} />}
          {job.timeline.length > 0 && (
            <Fact name={t("recipe.seconds")}>
              {t("recipe.seconds_value", { seconds: formatSeconds(totalSeconds, i18n.language) })}
            </Fact>
          )}
          <Fact name={t("recipe.cost")}>
            {job.cached
              ? t("recipe.cached")
              : job.cost_usd == null
                ? t("recipe.cost_unknown")
                : formatUsd(job.cost_usd, i18n.language)}
          </Fact>
          {job.attempt > 1 && <Fact name={t("recipe.attempts")}>{job.attempt}</Fact>}
          <Fact name={t("recipe.created")}>
            <time dateTime={job.updated_at}>{formatDateTime(job.updated_at, i18n.language)}</time>
          </Fact>
          <Fact name={t("recipe.job_id")}>
            <code>{job.job_id}</code>
          </Fact>
        </Facts>
        {result?.quality && <Scores quality={result.quality} />}
        {job.timeline.length > 0 && <Stages job={job} totalSeconds={totalSeconds} />}
        <Params job={job} />
      </div>
    </details>
  );
}

/** Facts about a result: models, seed, quality. */
function ResultFacts({ result }: { result: Result }) {
  const { t, i18n } = useTranslation("jobs");
  const [video] = result.videos;
  const shown = video ?? pictures(result)[0];
  const share = new Intl.NumberFormat(i18n.language, { style: "percent" });
  return (
    <>
      <Fact name={t("recipe.models")}>
        {result.models.length === 0 ? (
          t("recipe.no_models")
        ) : (
          <ul className={styles.models}>
            {result.models.map(({ id, revision }) => (
              <li key={id}>
                {id} <code title={revision}>{revision.slice(0, REVISION_LETTERS)}</code>
              </li>
            ))}
          </ul>
        )}
      </Fact>
      {result.seed != null && (
        <Fact name={t("recipe.seed")}>
          <code>{result.seed}</code>
        </Fact>
      )}
      {result.room && (
        <Fact name={t("recipe.room")}>
          {t("recipe.room_confidence", {
            room: t(`rooms.${result.room.room}`),
            share: share.format(result.room.confidence),
          })}
        </Fact>
      )}
      {shown && (
        <Fact name={t("recipe.size")}>{t("recipe.size_value", { width: shown.width, height: shown.height })}</Fact>
      )}
      {video && (
        <Fact name={t("recipe.length")}>
          {t("recipe.length_value", {
            seconds: formatSeconds(video.seconds, i18n.language),
            rate: formatSeconds(video.frames_per_second, i18n.language),
          })}
        </Fact>
      )}
    </>
  );
}

function Scores({ quality }: { quality: Quality }) {
  const { t, i18n } = useTranslation("jobs");
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent" });
  return (
    <section aria-label={t("recipe.quality")}>
      <h2>{t("recipe.quality")}</h2>
      <Facts>
        {SCORES.map((name) => {
          const score = quality[name];
          return score == null ? null : (
            <Fact key={name} name={t(`recipe.scores.${name}`)}>
              <span className={styles.score}>
                <meter min={0} max={1} value={score} aria-hidden="true" />
                {percent.format(score)}
              </span>
            </Fact>
          );
        })}
      </Facts>
    </section>
  );
}

function Stages({ job, totalSeconds }: { job: Job; totalSeconds: number }) {
  const { t, i18n } = useTranslation("jobs");
  return (
    <table className={styles.table}>
      <caption>{t("recipe.stages")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("recipe.stage")}</th>
          <th scope="col">{t("recipe.seconds")}</th>
        </tr>
      </thead>
      <tbody>
        {job.timeline.map((stage) => (
          <tr key={stage.stage}>
            <th scope="row">{stageText(job.kind, stage.stage, t)}</th>
            <td>
              {stage.cached
                ? t("recipe.from_stage_cache")
                : t("recipe.seconds_value", { seconds: formatSeconds(stage.seconds, i18n.language) })}
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t("recipe.total")}</th>
          <td>{t("recipe.seconds_value", { seconds: formatSeconds(totalSeconds, i18n.language) })}</td>
        </tr>
      </tfoot>
    </table>
  );
}

/** The params of a job, with the form's labels. */
function Params({ job: { kind, params } }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const labels = useLabels();
  const styleTitle = useStyleTitle(kind);
  const known = new Map(schemaFields(paramsSchema(kind)).map((field) => [field.name, field]));
  const givenParams = Object.entries(params).filter(([, value]) => value !== null && value !== "" && !isEmpty(value));
  if (givenParams.length === 0) return null;

  const formatted = (name: string, value: unknown): ReactNode => {
    if (typeof value === "boolean") return t(value ? "recipe.yes" : "recipe.no");
    if (name === "style") return styleTitle(String(value));
    if (known.get(name)?.widget.type === "choice") return labels.value(name, String(value));
    if (typeof value === "string" || typeof value === "number") return String(value);
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
    return <code className={styles.json}>{JSON.stringify(value, null, 1)}</code>;
  };

  return (
    <section aria-label={t("recipe.params")}>
      <h2>{t("recipe.params")}</h2>
      <Facts>
        {givenParams.map(([name, value]) => {
          const field = known.get(name);
          return (
            <Fact key={name} name={field ? labels.label(kind, field) : humanize(name)}>
              {formatted(name, value)}
            </Fact>
          );
        })}
      </Facts>
    </section>
  );
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
