/** What a kind needs in clients: the `x-form` extension of its request schema. */
import { requestSchema, resolve } from "./schemas";
import type { Kind, PromptKind } from "./types";

/** A kind's icon, the layout of its form, and the role that its result is compared with. */
export interface KindForm {
  /** The contract's English description. */
  description: string;
  /** The name of an icon; null if there is none. */
  icon: string | null;
  /** Params beside the inputs: what the job is about. */
  besideFiles: readonly string[];
  /** Params that are always visible, in this order. */
  visible: readonly string[];
  /** Params that a custom panel sets instead of the form. */
  customPanel: readonly string[];
  /** The role of the input that the result is compared with; null if it is compared with none. */
  comparedRole: string | null;
}

/** The kind that finds objects in a photo: its result is no new picture, and other kinds' forms submit it. */
export const DETECTION_KIND: Kind = "find_objects";

/** The form hints of a kind. Kinds without hints, and kinds of a newer service, have empty ones. */
export function kindForm(kind: Kind): KindForm {
  const request = requestSchema(kind);
  const hints = request?.["x-form"] ?? {};
  return {
    description: request?.description ?? "",
    icon: hints.icon ?? null,
    besideFiles: hints.beside_files ?? [],
    visible: hints.visible ?? [],
    customPanel: hints.custom_panel ?? [],
    comparedRole: hints.compared_role ?? null,
  };
}

/** The kind for which a prompt is enhanced: the kind itself if the contract lists it, else the default. */
export function promptKind(kind: Kind): PromptKind {
  const { enum: kinds = [], default: otherwise } =
    resolve({ $ref: "#/components/schemas/PromptRequest" }).properties?.kind ?? {};
  return (kinds.includes(kind) ? kind : otherwise) as PromptKind;
}
