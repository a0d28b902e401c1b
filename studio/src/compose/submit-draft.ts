/** Submits a draft as a job. */
import { renderMask } from "@/canvas/mask";
import type { Kind } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import { type Draft, draftOf, useDrafts } from "@/drafts/draft";
import { pictureInput, revokeUrl } from "@/drafts/input-file";
import { submitJob } from "@/jobs/store";
import { draftToSubmit } from "./unused-params";

/** Submit a kind's draft, with the strokes on a photo of `size` as its mask. Returns the job's id. */
export async function submitDraft(kind: Kind, size: { width: number; height: number } | null): Promise<string> {
  const state = useDrafts.getState();
  const draft = draftToSubmit(draftOf(state, kind), new Set(uploadRoles(kind).map(({ name }) => name)));
  if (kind !== "inpaint" || state.strokes === null || size === null) return submitJob(draft);
  const file = await renderMask(state.strokes, size.width, size.height);
  const mask = pictureInput(file, "mask.png", "image/png", size.width, size.height);
  const masked: Draft = { ...draft, inputs: { ...draft.inputs, mask } };
  try {
    return await submitJob(masked);
  } finally {
    revokeUrl(mask);
  }
}
