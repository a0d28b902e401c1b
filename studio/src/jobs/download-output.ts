/** Downloads of a job's files. */
import type { Job } from "@/contract/types";
import { downloadFile } from "@/service/download";
import { fileName, type OutputFile } from "./outputs";
import { refresh, useJobs } from "./store";

/** Download a file of a job, if its presigned URL has expired from a refreshed one. Throws if it cannot be fetched. */
export async function downloadOutput(job: Job, file: OutputFile): Promise<void> {
  const name = fileName(job, file);
  await (file.url ? downloadFile(file.url, name) : Promise.reject()).catch(async () => {
    await refresh(job.job_id);
    await downloadFile(currentUrl(job.job_id, file.key), name);
  });
}

function currentUrl(id: string, key: string): string {
  const result = useJobs.getState().entries[id]?.job.result;
  const files = result ? [...result.pictures, ...result.videos, ...result.subtitles] : [];
  const url = files.find((file) => file.key === key)?.url;
  if (!url) throw new Error("The file has no link.");
  return url;
}
