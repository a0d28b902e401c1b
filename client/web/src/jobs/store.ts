/** The jobs that this studio follows. */
import { create } from "zustand";
import type { Draft } from "@/compose/draft";
import type { Engine, Job, JsonObject } from "@/contract/types";
import type { Connection } from "@/service/channel";
import type { ServiceError } from "@/service/error";

export type { Connection };
export interface Entry {
  job: Job;
  sent: Record<string, number>;
  trouble: ServiceError | null;
  startedAt: number;
}
export interface Changes {
  params?: JsonObject;
  engine?: Engine | null;
  allowPreview?: boolean;
  cache?: boolean;
}
export const useJobs = create<{ entries: Record<string, Entry>; connection: Connection }>()(() => ({
  entries: {},
  connection: "live",
}));
export declare function submit(draft: Draft): Promise<string>;
export declare function retryUploads(jobId: string): Promise<void>;
export declare function cancel(jobId: string): Promise<void>;
export declare function rerun(jobId: string, changes?: Changes): Promise<string>;
export declare function watch(jobId: string): Promise<void>;
export declare function refresh(jobId: string): Promise<void>;
export declare function forget(jobId: string): void;
export declare function resume(): Promise<void>;
