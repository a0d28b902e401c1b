import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { uploadToS3 } from "@/service/s3-upload";
import { fakeXhr, nextRequest, requests } from "./fake-xhr";
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
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

test("form fields precede the file, and progress is reported", async () => {
  const sent: number[] = [];
  const done = uploadToS3(FORM, FILE, (fraction) => sent.push(fraction));
  await pass();
  expect([...nextRequest(0).form.keys()]).toEqual(["key", "policy", "file"]);
  nextRequest(0).moves(4, 10);
  nextRequest(0).moves(10, 10);
  nextRequest(0).answers(204);
  await done;
  expect(sent).toEqual([0, 0.4, 1, 1]);
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
  await pass();
  nextRequest(0).answers(status, xml(code, message));
  await refused;
  expect(requests).toHaveLength(1);
});

test("a bad connection is retried, four attempts in all", async () => {
  const refused = expect(uploadToS3(FORM, FILE, () => {})).rejects.toMatchObject({
    code: "unreachable",
    retryable: true,
  });
  for (let attempt = 0; attempt < 4; attempt++) {
    await pass(10_000);
    nextRequest(attempt).breaks();
  }
  await refused;
  expect(requests).toHaveLength(4);
});

test("a failing storage is retried", async () => {
  const done = uploadToS3(FORM, FILE, () => {});
  await pass();
  nextRequest(0).answers(503, xml("SlowDown", "Please reduce your request rate."));
  await pass(1_000);
  nextRequest(1).answers(204);
  await done;
});

test("an upload waits while the browser is offline", async () => {
  const done = uploadToS3(FORM, FILE, () => {});
  await pass();
  setOnline(false);
  nextRequest(0).breaks();
  await pass(20_000);
  expect(requests).toHaveLength(1);
  setOnline(true);
  await pass();
  nextRequest(1).answers(204);
  await done;
});

test("an upload without progress for a minute is restarted", async () => {
  const done = uploadToS3(FORM, FILE, () => {});
  await pass();
  nextRequest(0).moves(4, 10);
  await pass(59_000);
  expect(requests).toHaveLength(1);
  await pass(2_000);
  nextRequest(1).answers(204);
  await done;
});

test("an upload can be aborted", async () => {
  const stop = new AbortController();
  const stopped = expect(uploadToS3(FORM, FILE, () => {}, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
  await pass();
  stop.abort();
  await stopped;
});
