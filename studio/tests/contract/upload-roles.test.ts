import { expect, test } from "vitest";
import { roles } from "@/contract/upload-roles";

test("roles know their media", () => {
  expect(roles("render_video").map(({ name, media, required }) => [name, media, required])).toEqual([
    ["avatar", "portrait", true],
    ["voice_track", "sound", false],
  ]);
  expect(roles("face_swap").map(({ media }) => media)).toEqual(["picture", "picture"]);
});
