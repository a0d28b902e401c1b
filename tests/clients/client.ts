// A caller with a generated client: creates DOCUMENTED_BODY's job, uploads the photo, polls, prints the job that ended.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const [url = "", token = "", photo = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

const created = await client.POST("/jobs", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: DOCUMENTED_BODY,
});
if (created.error) throw new Error("code" in created.error ? created.error.code : created.error.message);

const form = created.data.uploads.photo;
if (form === undefined) throw new Error("The job has no form for its photo.");
const fields = new FormData();
for (const [name, value] of Object.entries(form.fields)) fields.set(name, value);
fields.set("file", new Blob([readFileSync(photo)]));
const stored = await fetch(form.url, { method: "POST", body: fields });
if (!stored.ok) throw new Error(await stored.text());

let job: { state: components["schemas"]["State"]; progress: number; error: { code: string } | null } = created.data.job;
const active = new Set(["awaiting_upload", "queued", "dispatched", "running"]);
while (active.has(job.state)) {
  await new Promise((done) => setTimeout(done, 200));
  const read = await client.GET("/jobs/{job_id}", { params: { path: { job_id: created.data.job.job_id } } });
  if (read.error) throw new Error("code" in read.error ? read.error.code : read.error.message);
  job = read.data;
}
console.log(JSON.stringify(job));
