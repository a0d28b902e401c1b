/** A draft on its way to the service. */
import { renderMask } from "@/canvas/mask";
import type { Kind } from "@/contract/types";
import { roles } from "@/contract/upload-roles";
import { type Draft, draftOf, useDrafts } from "@/drafts/draft";
import { picture, release } from "@/drafts/input-file";
import { submit } from "@/jobs/store";
import { sendable } from "./unused-params";

/** Sends a kind's draft, with what was painted on a photo of `size` as its mask. Gives the job's id. */
export async function send(kind: Kind, size: { width: number; height: number } | null): Promise<string> {
  const state = useDrafts.getState();
  const draft = sendable(draftOf(state, kind), new Set(roles(kind).map(({ name }) => name)));
  if (kind !== "inpaint" || state.strokes === null || size === null) return submit(draft);
  const file = await renderMask(state.strokes, size.width, size.height);
  const mask = picture(file, "mask.png", "image/png", size.width, size.height);
  const masked: Draft = { ...draft, materials: { ...draft.materials, mask } };
  try {
    return await submit(masked);
  } finally {
    release(mask);
  }
}
