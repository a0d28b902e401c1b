/** The things found in the restyle photo, for choosing what to keep: one small job a photo. */
import { create } from "zustand";
import type { FoundObject } from "@/contract/types";
import { empty } from "@/drafts/draft";
import type { Material } from "@/drafts/input-file";
import { submit, useJobs } from "@/jobs/store";
import { type ServiceError, toServiceError } from "@/service/error";

interface Finding {
  /** The photo that was looked at, and the job that looks. */
  photo: Material | null;
  jobId: string | null;
  asking: boolean;
  error: ServiceError | null;
  /** Asks for the things of a photo, unless that is what is known already. */
  find(photo: Material): Promise<void>;
}

/** What is known of the newest photo that was looked at. */
export const useFinding = create<Finding>()((set, get) => ({
  photo: null,
  jobId: null,
  asking: false,
  error: null,
  async find(photo) {
    set({ photo, jobId: null, asking: true, error: null });
    const answer = await submit({ ...empty("find_objects"), materials: { photo } }).then(
      (jobId) => ({ jobId }),
      (error: unknown) => ({ error: toServiceError(error) }),
    );
    // Another photo may have been asked about in the meantime.
    if (get().photo === photo) set({ ...answer, asking: false });
  },
}));

/** The things found in a photo; null until they are, and for other photos. */
export function useFound(photo: Material | undefined): readonly FoundObject[] | null {
  const finding = useFinding();
  const entry = useJobs(({ entries }) => (finding.jobId ? entries[finding.jobId] : undefined));
  return photo !== undefined && finding.photo === photo ? (entry?.job.result?.objects ?? null) : null;
}
