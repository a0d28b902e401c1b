import { expect, test } from "vitest";
import { uploadRoles } from "@/contract/upload-roles";

test("each role has its media type", () => {
  expect(uploadRoles("render_video").map(({ name, media, required }) => [name, media, required])).toEqual([
    ["avatar", "portrait", true],
    ["voice_track", "sound", false],
  ]);
  expect(uploadRoles("face_swap").map(({ media }) => media)).toEqual(["picture", "picture"]);
});
