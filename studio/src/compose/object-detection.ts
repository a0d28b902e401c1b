/** Object detection in the photo of a draft: one detection job for each photo. */
import { create } from "zustand";
import { DETECTION_KIND } from "@/contract/kinds";
import type { FoundObject } from "@/contract/types";
import { emptyDraft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";
import { submitJob, useJobs } from "@/jobs/store";
import { type ServiceError, toServiceError } from "@/service/error";

interface ObjectDetection {
  /** The photo, and the id of its job. */
  photo: InputFile | null;
  jobId: string | null;
  submitting: boolean;
  error: ServiceError | null;
  /** Submits a detection job for a photo. */
  detect(photo: InputFile): Promise<void>;
}

/** The store of the newest detection. */
export const useObjectDetection = create<ObjectDetection>()((set, get) => ({
  photo: null,
  jobId: null,
  submitting: false,
  error: null,
  async detect(photo) {
    set({ photo, jobId: null, submitting: true, error: null });
    const outcome = await submitJob({ ...emptyDraft(DETECTION_KIND), inputs: { photo } }).then(
      (jobId) => ({ jobId }),
      (error: unknown) => ({ error: toServiceError(error) }),
    );
    // Another photo may have been chosen meanwhile.
    if (get().photo === photo) set({ ...outcome, submitting: false });
  },
}));

/** The detected objects of a photo; null until they are known, and for other photos. */
export function useFoundObjects(photo: InputFile | undefined): readonly FoundObject[] | null {
  const detection = useObjectDetection();
  const entry = useJobs(({ entries }) => (detection.jobId ? entries[detection.jobId] : undefined));
  return photo !== undefined && detection.photo === photo ? (entry?.job.result?.objects ?? null) : null;
}
