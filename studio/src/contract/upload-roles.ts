/** The upload roles of a kind, read off the JSON schema of its `uploads`. */
import { resolve, type Schema, uploadsSchema } from "./schemas";
import type { Kind } from "./types";

/** A role of a kind: its media, and whether it is required. */
export interface UploadRole {
  name: string;
  media: "picture" | "sound" | "portrait";
  required: boolean;
  /** Whether it is painted on the photo instead of chosen: the mask of inpaint. */
  painted: boolean;
  description: string;
}

/** A kind's named roles, in the contract's order. Roles that scenes name are not included. */
export function uploadRoles(kind: Kind): UploadRole[] {
  const schema = uploadsSchema(kind);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    media: media(property),
    required: schema.required?.includes(name) ?? false,
    painted: kind === "inpaint" && name === "mask",
    description: property.description ?? "",
  }));
}

/** The media that a role's schema accepts, by its content types and references. */
function media(property: Schema): UploadRole["media"] {
  const options = [...(property.oneOf ?? []), ...(property.anyOf ?? []), property].map(resolve);
  const has = (name: string) => options.some(({ properties }) => properties?.[name]);
  if (has("avatar")) return "portrait";
  const types = options.flatMap(({ properties }) => properties?.content_type?.enum ?? []);
  return types.length > 0 && types.every((type) => String(type).startsWith("audio/")) ? "sound" : "picture";
}
