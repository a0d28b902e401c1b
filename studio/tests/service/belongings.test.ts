import { beforeEach, expect, test, vi } from "vitest";
import { draftOf, empty, useDrafts } from "@/compose/draft";
import { picture } from "@/compose/material";
import { depart } from "@/service/belongings";

const drafts = () => useDrafts.getState();

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => "blob:a");
  URL.revokeObjectURL = vi.fn();
});

test("of who left, nothing stays: no words, no files, no pictures in memory", () => {
  drafts().setMaterial("inpaint", "photo", picture(new Blob(["x"]), "room.jpg", "image/jpeg", 800, 600));
  drafts().setStrokes([]);
  drafts().setParam("generate", "prompt", "a secret");
  depart();
  expect(draftOf(drafts(), "inpaint")).toEqual(empty("inpaint"));
  expect(draftOf(drafts(), "generate")).toEqual(empty("generate"));
  expect(drafts().strokes).toBeNull();
  expect(URL.revokeObjectURL).toHaveBeenCalledOnce();
  expect(localStorage.getItem("darkroom.drafts")).toBeNull();
});
