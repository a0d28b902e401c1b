/** What a job is doing, in the reader's language. */
import type { TFunction } from "i18next";
import type { Job, Kind } from "@/contract/types";

/** The words of this area. */
export type Translate = TFunction<"jobs">;

/** Every stage that has words of its own; the rest are told in the service's words. docs/plans.md lists them. */
const STAGES = {
  download: "stages.download",
  load: "stages.load",
  detect: "stages.detect",
  segment: "stages.segment",
  keep: "stages.keep",
  classify: "stages.classify",
  depth: "stages.depth",
  edges: "stages.edges",
  diffuse: "stages.diffuse",
  layout: "stages.layout",
  repaint: "stages.repaint",
  things: "stages.things",
  grade: "stages.grade",
  mask: "stages.mask",
  fill: "stages.fill",
  compose: "stages.compose",
  imagine: "stages.imagine",
  draw: "stages.draw",
  screen: "stages.screen",
  validate: "stages.validate",
  choose: "stages.choose",
  swap: "stages.swap",
  enlarge: "stages.enlarge",
  speak: "stages.speak",
  animate: "stages.animate",
  transcribe: "stages.transcribe",
  subtitle: "stages.subtitle",
  scenes: "stages.scenes",
  join: "stages.join",
  encode: "stages.encode",
  outline: "stages.outline",
  show: "stages.show",
  finish: "stages.finish",
  save: "stages.save",
  upload: "stages.upload",
} as const;

/** Stages that do something else in one kind than in most. */
const STAGES_OF = {
  "face_swap.load": "stages_of.face_swap.load",
  "face_swap.detect": "stages_of.face_swap.detect",
  "upscale.load": "stages_of.upscale.load",
  "render_video.load": "stages_of.render_video.load",
  "render_scenes.load": "stages_of.render_scenes.load",
  "render_scenes.animate": "stages_of.render_scenes.animate",
  "inpaint.finish": "stages_of.inpaint.finish",
  "find_objects.detect": "stages_of.find_objects.detect",
} as const;

const ROLES = {
  photo: "roles.photo",
  mask: "roles.mask",
  source: "roles.source",
  target: "roles.target",
  avatar: "roles.avatar",
  voice_track: "roles.voice_track",
  music: "roles.music",
} as const;

const has = <Table extends object>(table: Table, key: string): key is Extract<keyof Table, string> =>
  Object.hasOwn(table, key);

/** What a stage does; what the service says of it, or its bare name, where this page does not know it. */
export function stageText(kind: Kind, stage: string, t: Translate, otherwise = ""): string {
  const own = `${kind}.${stage}`;
  if (has(STAGES_OF, own)) return t(STAGES_OF[own]);
  if (has(STAGES, stage)) return t(STAGES[stage]);
  return otherwise || stage;
}

/** What a file is for. Scenes name their own roles: those are shown as they are. */
export function roleText(role: string, t: Translate): string {
  return has(ROLES, role) ? t(ROLES[role]) : role;
}

/** What is happening to a job, in a few words, and how far its stage is where the service says so. */
export function statusText(job: Job, t: Translate): string {
  const text = activityText(job, t);
  const count = job.state === "running" && job.stage ? counted(job.message, t) : null;
  return count && text !== job.message ? `${text}: ${count}` : text;
}

/** What is happening to a job, in a few words that change with its stage. */
export function activityText(job: Job, t: Translate): string {
  switch (job.state) {
    case "running":
      return job.stage ? stageText(job.kind, job.stage, t, job.message) : t("waiting.running");
    case "dispatched":
      return dispatchedText(job.message, t);
    case "queued":
      return job.attempt > 0 ? t("waiting.again", { attempt: Math.min(job.attempt + 1, 3) }) : t("waiting.queued");
    case "awaiting_upload":
      return t("waiting.awaiting_upload");
    default:
      return t(`states.${job.state}`);
  }
}

/** How far the service says a stage is, as in “step 3 of 20” or “12 of 40 s”; null where it does not say. */
function counted(message: string, t: Translate): string | null {
  const [, done, all, seconds] = /(\d+) of (\d+)( s\b)?/.exec(message) ?? [];
  if (done === undefined || all === undefined) return null;
  return seconds ? t("of_seconds", { done, all }) : t("of", { done, all });
}

/** What a job waits for that was given to an endpoint: handlers/waking.py has the service's words. */
function dispatchedText(message: string, t: Translate): string {
  if (/budget is spent/.test(message)) return t("waiting.stopped");
  if (!/^Waking/.test(message)) return t("waiting.dispatched");
  if (/longer than/.test(message)) return t("waiting.waking_late");
  const [, number, unit] = /about (\d+) (minute|second)/.exec(message) ?? [];
  if (number === undefined) return t("waiting.waking");
  const minutes = unit === "minute" ? Number(number) : Math.ceil(Number(number) / 60);
  return t("waiting.waking_minutes", { count: minutes });
}

/** How long something still takes, as calmly as one would say it: no number ticks. `seconds` > 0. */
export function timeLeftText(seconds: number, t: Translate): string {
  if (seconds < 8) return t("left.seconds");
  if (seconds < 40) return t("left.under_a_minute");
  if (seconds < 90) return t("left.a_minute");
  if (seconds < 50 * 60) return t("left.minutes", { count: Math.round(seconds / 60) });
  return t("left.hours", { count: Math.max(1, Math.round(seconds / 3600)) });
}
