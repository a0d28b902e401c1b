/** The state of the compose page's mocks. */
import { vi } from "vitest";
import type { Draft } from "@/drafts/draft";

export const submitJob = vi.fn<(draft: Draft) => Promise<string>>();
/** Path of the API → response. */
export const responses = new Map<string, unknown>();
/** The picture that the codec opens. */
export const decodedImage = { width: 800, height: 600, fails: false };
