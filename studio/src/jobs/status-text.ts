/** Status texts of jobs in the page's language. */
import type { TFunction } from "i18next";
import type { Job, Kind } from "@/contract/types";
import { findMessage } from "@/messages/find-message";

/** The beginning of the message of handlers/jobs/retry.py. */
const NEWER_MACHINE = "Waiting for a machine of a newer version";

/** The beginning of the messages of handlers/endpoint/cold_start.py, and of cloud/dynamodb/draft_store.py. */
const WAKING = /^(Waking a GPU|A draft by the preview engine, while the GPU wakes)\b/;

/** The translation function of this namespace. */
export type Translate = TFunction<"jobs">;

/** The text of a stage: the kind's own, the shared one, the service's message, or the stage's bare name. */
export function stageText(kind: Kind, stage: string, t: Translate, otherwise = ""): string {
  return findMessage(t, [`kinds:${kind}.stages.${stage}`, `stages.${stage}`]) ?? (otherwise || stage);
}

/** The label of a role. Roles that scenes name are shown as they are. */
export function roleText(kind: Kind, role: string, t: Translate): string {
  return findMessage(t, [`roles.${role}`, `kinds:${kind}.roles.${role}.label`]) ?? role;
}

/** The name of a state. States of a newer service are shown as they are. */
export function stateText(state: string, t: Translate): string {
  return findMessage(t, [`states.${state}`]) ?? state.replaceAll("_", " ");
}

/** The status text of a job, with its stage's counter if the service reports one. */
export function statusText(job: Job, t: Translate): string {
  const text = activityText(job, t);
  const count = job.state === "running" && job.stage ? counterText(job.message, t) : null;
  return count && text !== job.message ? `${text}: ${count}` : text;
}

/** The status text of a job, which changes only with its state and stage. */
export function activityText(job: Job, t: Translate): string {
  switch (job.state) {
    case "running":
      return job.stage ? stageText(job.kind, job.stage, t, job.message) : t("waiting.running");
    case "dispatched":
      return dispatchedText(job.message, t);
    case "queued":
      if (job.message.startsWith(NEWER_MACHINE)) return t("waiting.newer_machine");
      return job.attempt > 0 ? t("waiting.retry", { attempt: Math.min(job.attempt + 1, 3) }) : t("waiting.queued");
    case "awaiting_upload":
      return t("waiting.awaiting_upload");
    default:
      return stateText(job.state, t);
  }
}

/** The counter in a message, such as “step 3 of 20” or “12 of 40 s”; null if there is none. */
function counterText(message: string, t: Translate): string | null {
  const [, done, total, seconds] = /(\d+) of (\d+)( s\b)?/.exec(message) ?? [];
  if (done === undefined || total === undefined) return null;
  return seconds ? t("count_of_seconds", { done, total }) : t("count_of", { done, total });
}

/** The status text of a dispatched job: parses the messages of handlers/endpoint/cold_start.py. */
function dispatchedText(message: string, t: Translate): string {
  if (/budget is spent/.test(message)) return t("waiting.budget_spent");
  if (!WAKING.test(message)) return t("waiting.dispatched");
  if (/longer than/.test(message)) return t("waiting.cold_start_late");
  const [, number, unit] = /about (\d+) (minute|second)/.exec(message) ?? [];
  if (number === undefined) return t("waiting.cold_start");
  const minutes = unit === "minute" ? Number(number) : Math.ceil(Number(number) / 60);
  return t("waiting.cold_start_minutes", { count: minutes });
}

/** The remaining time in rough words, which change seldom. `seconds` > 0. */
export function timeLeftText(seconds: number, t: Translate): string {
  if (seconds < 8) return t("time_left.seconds");
  if (seconds < 40) return t("time_left.under_a_minute");
  if (seconds < 90) return t("time_left.a_minute");
  if (seconds < 50 * 60) return t("time_left.minutes", { count: Math.round(seconds / 60) });
  return t("time_left.hours", { count: Math.max(1, Math.round(seconds / 3600)) });
}
