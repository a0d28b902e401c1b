/** Creates a job from a draft: the request, the files to upload, and inputs of earlier jobs. */

import { paramsSchema } from "@/contract/schemas";
import type { Engine, Job, JobWithUploads, JsonObject, paths } from "@/contract/types";
import type { Draft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";
import { api, unwrap } from "@/service/api";
import { ServiceError } from "@/service/error";
import { fetchWithTimeout } from "@/service/network";
import { sha256Of } from "@/service/sha256";
import type { Files } from "./pending-files";

type JobRequest = paths["/jobs"]["post"]["requestBody"]["content"]["application/json"];
type Source = { content_type: string; size: number; sha256?: string } | { asset_id: string } | { avatar: string };

/** The changes of a rerun; omitted fields stay as they were. */
export interface RerunChanges {
  params?: JsonObject;
  engine?: Engine | null;
  allowPreview?: boolean;
  cache?: boolean;
}

/** A created job, and the files to upload for it. */
export interface CreatedJob {
  created: JobWithUploads;
  files: Files;
}

/**
 * Create the job of a draft. `key` makes it idempotent. Throws `ServiceError`.
 *
 * A draft whose inputs are all those of one earlier job is a rerun of that job, and uploads nothing.
 */
export async function createJob(draft: Draft, key: string): Promise<CreatedJob> {
  const earlier = await jobToRerun(draft);
  if (earlier !== null) return { created: await postRerun(earlier.job_id, changesOf(draft, earlier), key), files: {} };
  const files: Record<string, Blob> = {};
  const uploads: Record<string, Source> = {};
  for (const [role, input] of Object.entries(draft.inputs)) {
    const { source, file } = await sourceOf(role, input);
    uploads[role] = source;
    if (file !== null) files[role] = file;
  }
  const body = {
    kind: draft.kind,
    params: draft.params,
    uploads,
    allow_preview: draft.allowPreview,
    cache: draft.cache,
    ...(draft.engine === null ? {} : { engine: draft.engine }),
  };
  // The service validates: the form is made from its schema at run time, which no static type describes.
  const created = await unwrap(
    api.POST("/jobs", { params: { header: { "Idempotency-Key": key } }, body: body as unknown as JobRequest }),
  );
  return { created, files };
}

/** Rerun a job that has ended. Throws `ServiceError`. */
export function postRerun(jobId: string, changes: RerunChanges, key: string): Promise<JobWithUploads> {
  const { params = {}, engine = null, allowPreview = null, cache = true } = changes;
  return unwrap(
    api.POST("/jobs/{job_id}/rerun", {
      params: { path: { job_id: jobId }, header: { "Idempotency-Key": key } },
      body: { params, engine, allow_preview: allowPreview, cache },
    }),
  );
}

/** The earlier job of which a draft is a rerun; null if any input differs. */
async function jobToRerun({ kind, inputs }: Draft): Promise<Job | null> {
  const entries = Object.entries(inputs);
  const ids = new Set(entries.map(([role, one]) => (one.type === "same" && one.role === role ? one.job_id : null)));
  const [jobId] = ids;
  if (ids.size !== 1 || typeof jobId !== "string") return null;
  const job = await fetchJob(jobId);
  const same = job.kind === kind && Object.keys(job.uploads).length === entries.length;
  return same ? job : null;
}

/** The changes of a rerun. A draft has all params; those that it dropped are reset to their defaults. */
function changesOf({ kind, params, engine, allowPreview, cache }: Draft, { params: before }: Job): RerunChanges {
  const defaults = paramsSchema(kind).properties ?? {};
  const removed = Object.keys(before).filter((name) => !(name in params));
  const reset = Object.fromEntries(removed.map((name) => [name, defaults[name]?.default ?? null]));
  return { params: { ...reset, ...params }, engine, allowPreview, cache };
}

async function sourceOf(role: string, input: InputFile): Promise<{ source: Source; file: Blob | null }> {
  switch (input.type) {
    case "asset":
      return { source: { asset_id: input.asset.asset_id }, file: null };
    case "avatar":
      return { source: { avatar: input.name }, file: null };
    case "same":
      return earlierSource(role, input.job_id, input.role);
    default:
      return fileSource(input.file, input.contentType);
  }
}

async function fileSource(file: Blob, contentType: string): Promise<{ source: Source; file: Blob }> {
  const sha256 = await sha256Of(file);
  return { source: { content_type: contentType, size: file.size, ...(sha256 === null ? {} : { sha256 }) }, file };
}

/** The upload source for an earlier job's input: the same asset or avatar, or its file, downloaded again. */
async function earlierSource(role: string, jobId: string, earlierRole: string) {
  const { uploads } = await fetchJob(jobId);
  const earlier = uploads[earlierRole];
  if (earlier?.asset_id) return { source: { asset_id: earlier.asset_id }, file: null };
  if (earlier?.avatar) return { source: { avatar: earlier.avatar }, file: null };
  // An <img> may have cached a response without CORS headers.
  const response = earlier?.url ? await fetchWithTimeout(earlier.url, { cache: "reload" }) : null;
  if (!earlier || response?.ok !== true) {
    const message = `The ${earlierRole} of the earlier job cannot be taken again.`;
    throw new ServiceError("choose_again", message, { errors: [{ field: `uploads.${role}`, message }] });
  }
  return fileSource(await response.blob(), earlier.content_type);
}

function fetchJob(jobId: string): Promise<Job> {
  return unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id: jobId } } }));
}
