/** Drafts and input files for the tests of submission. */
import type { JsonObject, Kind } from "@/contract/types";
import { emptyDraft } from "@/drafts/draft";
import type { InputFile } from "@/drafts/input-file";

export const PHOTO: InputFile = {
  type: "picture",
  file: new Blob(),
  name: "photo.jpg",
  contentType: "image/jpeg",
  width: 80,
  height: 60,
  url: "blob:photo",
};
export const VOICE: InputFile = {
  type: "sound",
  file: new Blob(),
  name: "voice.wav",
  contentType: "audio/wav",
  seconds: 10,
  url: "blob:voice",
};

export const draft = (kind: Kind, params: JsonObject = {}, inputs: Record<string, InputFile> = {}) => ({
  ...emptyDraft(kind),
  params,
  inputs,
});
