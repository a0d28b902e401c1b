/** The layout of a kind's form: which params stand beside the inputs, which are visible, and which are advanced. */

import type { SchemaField } from "@/contract/schema-fields";
import type { Kind } from "@/contract/types";

interface FieldLayout {
  /** Beside the inputs: what the job is about. */
  besideFiles: readonly string[];
  /** Always visible, in this order. */
  visible: readonly string[];
  /** Set by a custom panel of the kind instead of the form. */
  customPanel: readonly string[];
}

const LAYOUTS: Record<Kind, FieldLayout> = {
  restyle_room: {
    besideFiles: [],
    visible: ["strength", "prompt", "room", "keep", "seed"],
    customPanel: ["style", "keep_at"],
  },
  inpaint: { besideFiles: [], visible: ["prompt"], customPanel: [] },
  generate: { besideFiles: ["prompt"], visible: ["aspect", "count", "profile"], customPanel: ["style"] },
  face_swap: { besideFiles: [], visible: ["faces", "consent"], customPanel: [] },
  upscale: { besideFiles: [], visible: ["scale", "content"], customPanel: [] },
  find_objects: { besideFiles: [], visible: [], customPanel: [] },
  render_video: { besideFiles: ["script"], visible: ["voice", "aspect", "subtitles"], customPanel: [] },
  render_scenes: {
    besideFiles: ["scenes"],
    visible: ["aspect", "transition", "subtitles", "music_volume"],
    customPanel: [],
  },
};

/** Group a kind's fields by the layout. Unknown fields are advanced, or visible if they are required. */
export function groupFields(kind: Kind, fields: readonly SchemaField[]) {
  const { besideFiles, visible, customPanel } = LAYOUTS[kind];
  const named = (names: readonly string[]) => names.flatMap((name) => fields.filter((field) => field.name === name));
  const known = new Set([...besideFiles, ...visible, ...customPanel]);
  const others = fields.filter(({ name }) => !known.has(name));
  return {
    besideFiles: named(besideFiles),
    visible: [...named(visible), ...others.filter(({ required }) => required)],
    advanced: others.filter(({ required }) => !required),
  };
}
