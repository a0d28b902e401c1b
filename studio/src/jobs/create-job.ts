/** From a draft to a job: the request, the files that go with it, and what is taken over from earlier jobs. */

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

/** What is to differ when a job is made again; what is left out stays as it was. */
export interface RerunChanges {
  params?: JsonObject;
  engine?: Engine | null;
  allowPreview?: boolean;
  cache?: boolean;
}

/** A job that was asked for, and the files that it waits for. */
export interface CreatedJob {
  created: JobWithUploads;
  files: Files;
}

/**
 * Ask for the job of a draft. `key` makes it one job, however often this is called with the same draft.
 *
 * A draft whose materials are all those of one earlier job is that job again, and uploads nothing. Throws `ServiceError`.
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
  // The service validates; what a form made from its own schema says, no type of ours can know.
  const created = await unwrap(
    api.POST("/jobs", { params: { header: { "Idempotency-Key": key } }, body: body as unknown as JobRequest }),
  );
  return { created, files };
}

/** Ask for a job that ended once more. Throws `ServiceError`. */
export function postRerun(jobId: string, changes: RerunChanges, key: string): Promise<JobWithUploads> {
  const { params = {}, engine = null, allowPreview = null, cache = true } = changes;
  return unwrap(
    api.POST("/jobs/{job_id}/rerun", {
      params: { path: { job_id: jobId }, header: { "Idempotency-Key": key } },
      body: { params, engine, allow_preview: allowPreview, cache },
    }),
  );
}

/** The job that a draft is once more; null when it is given anything else. */
async function jobToRerun({ kind, inputs }: Draft): Promise<Job | null> {
  const entries = Object.entries(inputs);
  const ids = new Set(entries.map(([role, one]) => (one.type === "same" && one.role === role ? one.job_id : null)));
  const [jobId] = ids;
  if (ids.size !== 1 || typeof jobId !== "string") return null;
  const job = await jobOf(jobId);
  const same = job.kind === kind && Object.keys(job.uploads).length === entries.length;
  return same ? job : null;
}

/** A draft says every param, a rerun only those that differ: what the draft has dropped goes back to its default. */
function changesOf({ kind, params, engine, allowPreview, cache }: Draft, { params: before }: Job): RerunChanges {
  const defaults = paramsSchema(kind).properties ?? {};
  const dropped = Object.keys(before).filter((name) => !(name in params));
  const reset = Object.fromEntries(dropped.map((name) => [name, defaults[name]?.default ?? null]));
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

/** What an earlier job was given: the same asset or portrait, or the file itself, which is fetched and sent again. */
async function earlierSource(role: string, jobId: string, earlierRole: string) {
  const { uploads } = await jobOf(jobId);
  const earlier = uploads[earlierRole];
  if (earlier?.asset_id) return { source: { asset_id: earlier.asset_id }, file: null };
  if (earlier?.avatar) return { source: { avatar: earlier.avatar }, file: null };
  // What an <img> left in the cache came without the headers that let a page read it.
  const response = earlier?.url ? await fetchWithTimeout(earlier.url, { cache: "reload" }) : null;
  if (!earlier || response?.ok !== true) {
    const message = `The ${earlierRole} of the earlier job is not kept any more.`;
    throw new ServiceError("choose_again", message, { errors: [{ field: `uploads.${role}`, message }] });
  }
  return fileSource(await response.blob(), earlier.content_type);
}

function jobOf(jobId: string): Promise<Job> {
  return unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id: jobId } } }));
}
