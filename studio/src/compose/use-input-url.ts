/** URLs of input files, refreshed after they expire: those of assets and of earlier jobs' inputs are presigned. */
import { useState } from "react";
import { type InputFile, previewUrl } from "@/drafts/input-file";
import { api, unwrap } from "@/service/api";
import { type PresignedUrl, usePresignedUrl } from "@/service/presigned-url";

/** The preview URL of an input file. Its `url` is null before there is a file, for sounds, and for pictures that are gone. */
export function useInputUrl(inputFile: InputFile | undefined): PresignedUrl {
  const [refreshed, setRefreshed] = useState<{ key: string; url: string | null } | null>(null);
  const key = inputFile ? presignedKey(inputFile) : null;
  const first = inputFile ? previewUrl(inputFile) : null;
  const newest = refreshed !== null && refreshed.key === key ? refreshed.url : first;
  const presigned = usePresignedUrl(key ?? "", key === null ? null : newest, () => {
    if (inputFile === undefined || key === null) return;
    // If there is no answer, it is asked for again.
    void fetchUrl(inputFile).then(
      (url) => setRefreshed({ key, url }),
      () => undefined,
    );
  });
  return key === null ? { url: first, broken: false, onError: () => {} } : presigned;
}

/** What identifies a file behind a presigned URL; null for a file of this page, and for avatars. */
function presignedKey(inputFile: InputFile): string | null {
  if (inputFile.type === "asset") return inputFile.asset.asset_id;
  return inputFile.type === "same" && !inputFile.isAvatar ? `${inputFile.job_id}/${inputFile.role}` : null;
}

async function fetchUrl(inputFile: InputFile): Promise<string | null> {
  if (inputFile.type === "asset") {
    const path = { asset_id: inputFile.asset.asset_id };
    return (await unwrap(api.GET("/assets/{asset_id}", { params: { path } }))).url ?? null;
  }
  if (inputFile.type !== "same") return null;
  const job = await unwrap(api.GET("/jobs/{job_id}", { params: { path: { job_id: inputFile.job_id } } }));
  return job.uploads[inputFile.role]?.url ?? null;
}
