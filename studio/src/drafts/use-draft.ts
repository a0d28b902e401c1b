/** A React hook for the draft of a kind. */
import type { Kind } from "@/contract/types";
import { type Draft, draftOf, useDrafts } from "./draft";

/** The current draft of a kind; the component renders again when it changes. */
export const useDraft = (kind: Kind): Draft => useDrafts((state) => draftOf(state, kind));
