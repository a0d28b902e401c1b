/** Where a kind's params are shown: beside its files, in the open, or folded away. */

import type { Field } from "@/contract/schema-fields";
import type { Kind } from "@/contract/types";

interface Places {
  /** Beside the files: what the job is about. */
  stage: readonly string[];
  /** In the open, in this order. */
  main: readonly string[];
  /** Set by a panel of the kind's own, not by the form. */
  own: readonly string[];
}

const PLACES: Record<Kind, Places> = {
  restyle_room: { stage: [], main: ["strength", "prompt", "room", "keep", "seed"], own: ["style", "keep_at"] },
  inpaint: { stage: [], main: ["prompt"], own: [] },
  generate: { stage: ["prompt"], main: ["aspect", "count", "profile"], own: ["style"] },
  face_swap: { stage: [], main: ["faces", "consent"], own: [] },
  upscale: { stage: [], main: ["scale", "content"], own: [] },
  find_objects: { stage: [], main: [], own: [] },
  render_video: { stage: ["script"], main: ["voice", "aspect", "subtitles"], own: [] },
  render_scenes: { stage: ["scenes"], main: ["aspect", "transition", "subtitles", "music_volume"], own: [] },
};

/** A kind's fields by where they are shown. One that is new shows itself: in the open where it must be given. */
export function place(kind: Kind, fields: readonly Field[]) {
  const { stage, main, own } = PLACES[kind];
  const named = (names: readonly string[]) => names.flatMap((name) => fields.filter((field) => field.name === name));
  const known = new Set([...stage, ...main, ...own]);
  const others = fields.filter(({ name }) => !known.has(name));
  return {
    stage: named(stage),
    main: [...named(main), ...others.filter(({ required }) => required)],
    more: others.filter(({ required }) => !required),
  };
}
