/** The things found in the restyle photo, for choosing what to keep: one small job a photo. */
import { create } from "zustand";
import type { FoundObject } from "@/contract/types";
import { emptyDraft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";
import { submitJob, useJobs } from "@/jobs/store";
import { type ServiceError, toServiceError } from "@/service/error";

interface ObjectDetection {
  /** The photo that was looked at, and the job that looks. */
  photo: InputFile | null;
  jobId: string | null;
  submitting: boolean;
  error: ServiceError | null;
  /** Asks for the things of a photo, unless that is what is known already. */
  detect(photo: InputFile): Promise<void>;
}

/** What is known of the newest photo that was looked at. */
export const useObjectDetection = create<ObjectDetection>()((set, get) => ({
  photo: null,
  jobId: null,
  submitting: false,
  error: null,
  async detect(photo) {
    set({ photo, jobId: null, submitting: true, error: null });
    const answer = await submitJob({ ...emptyDraft("find_objects"), inputs: { photo } }).then(
      (jobId) => ({ jobId }),
      (error: unknown) => ({ error: toServiceError(error) }),
    );
    // Another photo may have been asked about in the meantime.
    if (get().photo === photo) set({ ...answer, submitting: false });
  },
}));

/** The things found in a photo; null until they are, and for other photos. */
export function useFoundObjects(photo: InputFile | undefined): readonly FoundObject[] | null {
  const detection = useObjectDetection();
  const entry = useJobs(({ entries }) => (detection.jobId ? entries[detection.jobId] : undefined));
  return photo !== undefined && detection.photo === photo ? (entry?.job.result?.objects ?? null) : null;
}
