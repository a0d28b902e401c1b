import { readFileSync } from "node:fs";
import { beforeEach, expect, test, vi } from "vitest";
import type { Limits } from "@/contract/types";
import type { Codec } from "@/drafts/codec";
import { fitScale, InputFileError, readInputFile } from "@/drafts/input-file";
import { isSoundType, sniffMediaType } from "@/drafts/media-type";

const LIMITS: Limits = {
  content_types: ["image/jpeg", "image/png", "image/webp", "image/heic"],
  max_upload_bytes: 1000,
  audio_types: ["audio/wav", "audio/mpeg"],
  max_audio_bytes: 2000,
  max_script_characters: 5000,
  max_voice_seconds: 300,
  max_video_seconds: 600,
  max_pixels: 1_000_000,
  max_side: 4000,
  min_side: 32,
  upload_seconds: 900,
};

const JPEG = [0xff, 0xd8, 0xff, 0xe0];
const text = (words: string) => [...words].map((letter) => letter.charCodeAt(0));
const number = (value: number) => [value >> 24, value >> 16, value >> 8, value].map((byte) => byte & 255);
const box = (name: string, ...contents: number[][]): number[] => {
  const body = contents.flat();
  return [...number(8 + body.length), ...text(name), ...body];
};
/** A HEIC of a turned picture beside another item, without its pixels. */
const heic = (width: number, height: number, quarterTurns = 0) => [
  ...box("ftyp", text("heic"), number(0), text("mif1heic")),
  ...box(
    "meta",
    number(0),
    box("hdlr", number(0)),
    box("pitm", number(0), [0, 2]),
    box(
      "iprp",
      box(
        "ipco",
        box("ispe", number(0), number(64), number(64)),
        box("ispe", number(0), number(width), number(height)),
        box("irot", [quarterTurns]),
      ),
      box("ipma", number(0), number(2), [0, 1, 1, 0x81], [0, 2, 2, 2, 0x83]),
    ),
  ),
];
const HEIC = heic(800, 600);
const AVIF = [0, 0, 0, 24, ...text("ftypmif1"), 0, 0, 0, 0, ...text("mif1avif")];
const WAV = [...text("RIFF"), 0, 0, 0, 0, ...text("WAVE")];

const file = (head: number[], size: number, name = "photo.jpg") =>
  new File([new Uint8Array(head), new Uint8Array(Math.max(0, size - head.length))], name);

/** A codec whose pictures have this size, and whose encoder returns `bytes(width, height)` bytes. */
function browser(width: number, height: number, bytes: (width: number, height: number) => number | null = () => 10) {
  const close = vi.fn();
  const codec: Codec = {
    open: async () => ({
      width,
      height,
      close,
      async encode(across, down) {
        const size = bytes(across, down);
        return size === null ? null : new Blob([new Uint8Array(size)], { type: "image/jpeg" });
      },
    }),
    seconds: async () => 12,
  };
  return { codec, close };
}

const broken: Codec = { open: () => Promise.reject(new Error("cannot")), seconds: async () => null };

async function refusal(promise: Promise<unknown>): Promise<InputFileError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof InputFileError) return error;
  throw new Error("It was taken.");
}

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => "blob:here");
  URL.revokeObjectURL = vi.fn();
});

test("a photo within the limits is uploaded unchanged", async () => {
  const photo = file(JPEG, 900);
  const { codec, close } = browser(800, 600);
  const inputFile = await readInputFile(photo, LIMITS, { codec });
  expect(inputFile).toEqual({
    type: "picture",
    file: photo,
    name: "photo.jpg",
    contentType: "image/jpeg",
    width: 800,
    height: 600,
    url: "blob:here",
  });
  expect(close).toHaveBeenCalledOnce();
});

test("a photo with too many pixels is reduced at its aspect ratio, and reports its original size", async () => {
  const inputFile = await readInputFile(file(JPEG, 900, "Big.JPEG"), LIMITS, { codec: browser(2000, 1000).codec });
  expect(inputFile).toMatchObject({
    width: 1414,
    height: 707,
    name: "Big.jpg",
    contentType: "image/jpeg",
    original: { width: 2000, height: 1000, size: 900 },
  });
});

test("a photo with too many bytes is encoded smaller until it fits", async () => {
  const sizes: number[] = [];
  const { codec } = browser(800, 600, (width, height) => {
    const bytes = Math.round((width * height) / 100);
    sizes.push(bytes);
    return bytes;
  });
  const inputFile = await readInputFile(file(JPEG, 5000), LIMITS, { codec });
  expect(inputFile.type === "picture" && inputFile.file.size).toBeLessThanOrEqual(LIMITS.max_upload_bytes);
  expect(sizes).toEqual([...sizes].sort((one, two) => two - one));
});

test("a canvas that the browser cannot allocate is tried smaller", async () => {
  const { codec } = browser(2000, 1000, (width) => (width > 1000 ? null : 10));
  expect(await readInputFile(file(JPEG, 900), LIMITS, { codec })).toMatchObject({ width: 989, height: 494 });
});

test("a HEIC photo is converted if the browser can decode it", async () => {
  expect(await readInputFile(file(HEIC, 500, "IMG_1.HEIC"), LIMITS, { codec: browser(800, 600).codec })).toMatchObject({
    name: "IMG_1.jpg",
    contentType: "image/jpeg",
    width: 800,
  });
});

test("a HEIC photo that the browser cannot decode is uploaded as it is, with its upright size", async () => {
  const photo = file(heic(800, 600, 1), 500, "IMG_1.HEIC");
  expect(await readInputFile(photo, LIMITS, { codec: broken })).toEqual({
    type: "picture",
    file: photo,
    name: "IMG_1.HEIC",
    contentType: "image/heic",
    width: 600,
    height: 800,
    url: null,
  });
});

test("a HEIC photo that must be shown and cannot be is rejected with advice", async () => {
  const reading = readInputFile(file(HEIC, 500), LIMITS, { codec: broken, mustShow: true });
  expect((await refusal(reading)).reason).toBe("heic");
  expect((await refusal(readInputFile(file(AVIF, 500), LIMITS, { codec: broken }))).reason).toBe("heic");
});

test.each([
  ["too small", heic(800, 31), 500, "too_small"],
  ["of too many pixels", heic(2000, 1000), 500, "too_large"],
  ["of too many bytes", HEIC, 1500, "too_large"],
  ["without a size", HEIC.slice(0, 120), 120, "unreadable"],
])("a HEIC photo %s is rejected before it is sent", async (_, head, size, reason) => {
  expect((await refusal(readInputFile(file(head, size), LIMITS, { codec: broken }))).reason).toBe(reason);
});

test.each([
  ["nothing", file([], 0), "empty", "empty_file"],
  ["a text", file(text("Dear diary, "), 100), "type", "unsupported_media"],
  ["half a photo", file(JPEG, 500), "unreadable", "invalid_image"],
])("%s is rejected", async (_, given, reason, code) => {
  expect(await refusal(readInputFile(given, LIMITS, { codec: broken }))).toMatchObject({ reason, code });
});

test("a photo that is too small reports the minimum side", async () => {
  const error = await refusal(readInputFile(file(JPEG, 500), LIMITS, { codec: browser(800, 31).codec }));
  expect(error).toMatchObject({ reason: "too_small", values: { width: 800, height: 31, least: 32 } });
});

test("a photo that fits at no size is rejected", async () => {
  const { codec } = browser(2000, 1000, () => 5000);
  expect(await refusal(readInputFile(file(JPEG, 5000), LIMITS, { codec }))).toMatchObject({ reason: "too_large" });
});

test("a recording has its duration, and one that is too large is rejected", async () => {
  expect(await readInputFile(file(WAV, 1500, "voice.wav"), LIMITS, { codec: broken })).toMatchObject({
    type: "sound",
    contentType: "audio/wav",
    seconds: null,
  });
  expect(await readInputFile(file(WAV, 1500), LIMITS, { codec: browser(0, 0).codec })).toMatchObject({ seconds: 12 });
  expect(await refusal(readInputFile(file(WAV, 2500), LIMITS, { codec: broken }))).toMatchObject({
    reason: "sound_too_large",
  });
});

test("the fitting scale keeps sides and area within the limits", () => {
  for (const [width, height] of [
    [10, 10],
    [5000, 100],
    [100, 5000],
    [3999, 3999],
    [16384, 16384],
  ] as const) {
    const scale = fitScale(width, height, LIMITS);
    expect(scale).toBeLessThanOrEqual(1);
    expect(Math.floor(width * scale) * Math.floor(height * scale)).toBeLessThanOrEqual(LIMITS.max_pixels);
    expect(Math.max(width, height) * scale).toBeLessThanOrEqual(LIMITS.max_side + 1e-6);
  }
});

test("the media type is detected from the first bytes", () => {
  const types = [JPEG, HEIC, WAV, [...text("OggS"), 0, 0], [...text("ID3"), 4], [0xff, 0xfb, 0x90], text("GIF89a")];
  expect(types.map((head) => sniffMediaType(new Uint8Array(head)).type)).toEqual([
    "picture",
    "picture",
    "sound",
    "sound",
    "sound",
    "sound",
    "other",
  ]);
});

interface Sample {
  name: string;
  head: string;
  type?: string;
  described?: string;
}
const SAMPLES: Sample[] = JSON.parse(readFileSync("../tests/data/file_signatures.json", "utf8"));

test.each(SAMPLES)("$name is what the service takes it for", ({ head, type, described }) => {
  const media = sniffMediaType(Uint8Array.from(head.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
  const detected = "contentType" in media ? media.contentType : undefined;
  expect(detected).toBe(type);
  expect(media.type === "avif").toBe(described === "an AVIF picture");
});

test("a dropped recording is a sound by each name that browsers give its container", () => {
  const sounds = ["audio/mpeg", "audio/x-m4a", "audio/webm;codecs=opus", "video/webm", "video/mp4", "application/ogg"];
  expect(sounds.filter((type) => !isSoundType(type))).toEqual([]);
  expect(["image/jpeg", "application/pdf", ""].filter(isSoundType)).toEqual([]);
});
