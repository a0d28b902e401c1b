/** A kind's draft, for what shows it. */
import type { Kind } from "@/contract/types";
import { type Draft, draftOf, useDrafts } from "./draft";

/** The draft as it is now; whoever uses it is shown again when it changes. */
export const useDraft = (kind: Kind): Draft => useDrafts((state) => draftOf(state, kind));
