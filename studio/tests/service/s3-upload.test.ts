import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { uploadToS3 } from "@/service/s3-upload";
import { fakeXhr, requests, uploadRequest } from "./fake-xhr";
import { setOnline } from "./fakes";

const FORM = { url: "https://bucket.example.com/", fields: { key: "uploads/a/photo", policy: "p" }, expires_at: "" };
const FILE = new Blob(["0123456789"], { type: "image/jpeg" });

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  setOnline(true);
  fakeXhr();
});
afterEach(() => {
  vi.useRealTimers();
});

const xml = (code: string, message: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
const advance = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

test("form fields precede the file, and progress is reported", async () => {
  const fractions: number[] = [];
  const upload = uploadToS3(FORM, FILE, (fraction) => fractions.push(fraction));
  await advance();
  expect([...uploadRequest(0).form.keys()]).toEqual(["key", "policy", "file"]);
  uploadRequest(0).progress(4, 10);
  uploadRequest(0).progress(10, 10);
  uploadRequest(0).respond(204);
  await upload;
  expect(fractions).toEqual([0, 0.4, 1, 1]);
});

test.each([
  [400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", "too_large"],
  [400, "EntityTooSmall", "Your proposed upload is smaller than the minimum", "empty_file"],
  [400, "BadDigest", "The digest did not match", "checksum_mismatch"],
  [400, "InvalidArgument", "Value for x-amz-checksum-sha256 header is invalid", "checksum_mismatch"],
  [403, "AccessDenied", "Invalid according to Policy: Policy expired.", "upload_expired"],
  [403, "AccessDenied", "Invalid according to Policy: Policy Condition failed", "forbidden"],
  [404, "NoSuchBucket", "The specified bucket does not exist", "not_found"],
])("status %i with %s (%s) becomes %s", async (status, code, message, expected) => {
  const refused = expect(uploadToS3(FORM, FILE, () => {})).rejects.toMatchObject({
    code: expected,
    status,
    retryable: false,
  });
  await advance();
  uploadRequest(0).respond(status, xml(code, message));
  await refused;
  expect(requests).toHaveLength(1);
});

test("a bad connection is retried, four attempts in all", async () => {
  const refused = expect(uploadToS3(FORM, FILE, () => {})).rejects.toMatchObject({
    code: "unreachable",
    retryable: true,
  });
  for (let attempt = 0; attempt < 4; attempt++) {
    await advance(10_000);
    uploadRequest(attempt).fail();
  }
  await refused;
  expect(requests).toHaveLength(4);
});

test("a failing storage is retried", async () => {
  const upload = uploadToS3(FORM, FILE, () => {});
  await advance();
  uploadRequest(0).respond(503, xml("SlowDown", "Please reduce your request rate."));
  await advance(1_000);
  uploadRequest(1).respond(204);
  await upload;
});

test("an upload waits while the browser is offline", async () => {
  const upload = uploadToS3(FORM, FILE, () => {});
  await advance();
  setOnline(false);
  uploadRequest(0).fail();
  await advance(20_000);
  expect(requests).toHaveLength(1);
  setOnline(true);
  await advance();
  uploadRequest(1).respond(204);
  await upload;
});

test("an upload without progress for a minute is restarted", async () => {
  const upload = uploadToS3(FORM, FILE, () => {});
  await advance();
  uploadRequest(0).progress(4, 10);
  await advance(59_000);
  expect(requests).toHaveLength(1);
  await advance(2_000);
  uploadRequest(1).respond(204);
  await upload;
});

test("an upload can be aborted", async () => {
  const stop = new AbortController();
  const stopped = expect(uploadToS3(FORM, FILE, () => {}, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
  await advance();
  stop.abort();
  await stopped;
});
