import type { Kind } from "@/contract/types";
import type { IconName } from "./icon";

/** The icon of each kind. */
export const KIND_ICONS: Record<Kind, IconName> = {
  restyle_room: "room",
  inpaint: "brush",
  generate: "make",
  face_swap: "user",
  upscale: "zoom_in",
  find_objects: "find",
  render_video: "video",
  render_scenes: "scenes",
};
