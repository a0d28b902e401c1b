/** Aliases for the types of the committed OpenAPI description. */
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type { paths };
export type Job = Schemas["Job"];
export type Kind = Schemas["Kind"];
export type State = Schemas["State"];
export type Engine = Schemas["Engine"];
export type Result = Schemas["Result"];
export type Picture = Schemas["Picture"];
export type Video = Schemas["Video"];
export type SubtitleFile = Schemas["SubtitleFile"];
export type FoundObject = Schemas["FoundObject"];
export type Quality = Schemas["Quality"];
export type JobPage = Schemas["JobPage"];
export type JobWithUploads = Schemas["JobWithUploads"];
export type PresignedPost = Schemas["PresignedPost"];
export type Asset = Schemas["PublicAsset"];
export type StyleSummary = Schemas["StyleSummary"];
export type AvatarSummary = Schemas["AvatarSummary"];
export type VoiceSummary = Schemas["VoiceSummary"];
export type PublicConfig = Schemas["PublicConfig"];
export type PromptKind = NonNullable<Schemas["PromptRequest"]["kind"]>;
export type PromptStyle = NonNullable<Schemas["PromptRequest"]["style"]>;
export type Limits = Schemas["Limits"];
export type LimitsNow = Schemas["LimitsNow"];
export type FieldError = Schemas["FieldError"];
export type ErrorCode = Schemas["ErrorCode"];

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

const TERMINAL: ReadonlySet<State> = new Set<State>(["completed", "failed", "cancelled", "expired"]);

/** Whether a job never changes again. Of a state of a newer service, only its `ended` tells; older ones lack it. */
export function hasEnded({ ended, state }: Pick<Job, "state"> & { ended?: boolean }): boolean {
  return ended === true || TERMINAL.has(state);
}
