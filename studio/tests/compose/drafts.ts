/** Drafts and input files for the tests of what is submitted. */
import type { JsonObject, Kind } from "@/contract/types";
import { empty } from "@/drafts/draft";
import type { Material } from "@/drafts/input-file";

export const PHOTO: Material = {
  type: "picture",
  file: new Blob(),
  name: "photo.jpg",
  contentType: "image/jpeg",
  width: 80,
  height: 60,
  url: "blob:photo",
};
export const VOICE: Material = {
  type: "sound",
  file: new Blob(),
  name: "voice.wav",
  contentType: "audio/wav",
  seconds: 10,
  url: "blob:voice",
};

export const draft = (kind: Kind, params: JsonObject = {}, materials: Record<string, Material> = {}) => ({
  ...empty(kind),
  params,
  materials,
});
