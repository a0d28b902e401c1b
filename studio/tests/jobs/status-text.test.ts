import { readFileSync } from "node:fs";
import i18next from "i18next";
import { expect, test } from "vitest";
import { KINDS } from "@/contract/schemas";
import { hasEnded } from "@/contract/types";
import { roleText, stageText, statusText, timeLeftText } from "@/jobs/status-text";
import { changeLanguage } from "@/messages";
import { formatUsd } from "@/messages/format";
import { job } from "./fixtures";

const t = () => i18next.getFixedT(i18next.language, "jobs");

test("every stage of every plan has a text", () => {
  const plans = readFileSync("../docs/plans.md", "utf8");
  const stages = [...plans.matchAll(/^\| ([a-z]+): /gm)].map(([, name]) => name ?? "");
  expect(stages.length).toBeGreaterThan(50);
  for (const stage of stages) {
    for (const kind of KINDS) expect(stageText(kind, stage, t()), stage).not.toBe(stage);
  }
});

test("an unknown stage shows the service's message", () => {
  expect(statusText(job({ stage: "polish", message: "Polishing: 1 of 2" }), t())).toBe("Polishing: 1 of 2");
});

test("a stage shows the service's counter in the page's language", async () => {
  expect(statusText(job(), t())).toBe("Painting the room in its new style: 2 of 4");
  const video = job({ kind: "render_video", stage: "animate", message: "Animating: 3 of 12 s" });
  expect(statusText(video, t())).toBe("Animating the portrait: 3 of 12 s");
  await changeLanguage("es");
  expect(statusText(video, t())).toBe("Animando el retrato: 3 de 12 s");
  await changeLanguage("en");
});

test.each([
  ["Waiting for a machine", "Waiting for a machine"],
  ["Waking a GPU: this takes several minutes", "Waking a machine: this takes several minutes"],
  ["Waking a GPU: ready in about 6 minutes, going by the last times", "Waking a machine: ready in about 6 minutes"],
  ["Waking a GPU: ready in about 50 seconds, going by the last times", "Waking a machine: ready in about 1 minute"],
  ["Waking a GPU: it takes longer than the last times", "Waking a machine: it takes longer than usual"],
  [
    "A draft by the preview engine, while the GPU wakes: ready in about 6 minutes, going by the last times",
    "Waking a machine: ready in about 6 minutes",
  ],
  ["A draft by the preview engine, while the GPU wakes", "Waking a machine: this takes several minutes"],
])("a dispatched job shows what it waits for: %s", (message, words) => {
  expect(statusText(job({ state: "dispatched", stage: null, message }), t())).toBe(words);
});

test("a retried job shows its attempt", () => {
  expect(statusText(job({ state: "queued", attempt: 1 }), t())).toBe("Trying once more (2 of 3)");
  expect(statusText(job({ state: "queued", attempt: 0 }), t())).toBe("In the queue");
});

test.each([
  [3, "A few seconds left"],
  [30, "Less than a minute left"],
  [55, "About a minute left"],
  [85, "About a minute left"],
  [240, "About 4 minutes left"],
  [3700, "About an hour left"],
])("%d seconds are shown in rough words", (seconds, words) => {
  expect(timeLeftText(seconds, t())).toBe(words);
});

test("small costs are not rounded to nothing", () => {
  expect(formatUsd(0.0034, "en")).toBe("$0.0034");
  expect(formatUsd(1.5, "en")).toBe("$1.50");
  expect(formatUsd(0, "en")).toBe("$0.00");
});

test("roles that scenes name are shown unchanged", () => {
  expect(roleText("inpaint", "mask", t())).toBe("mask");
  expect(roleText("render_scenes", "kitchen_shot", t())).toBe("kitchen_shot");
});

test("a state of a newer service is shown as it is", () => {
  const newer = { ...job(), ...JSON.parse('{"state": "paused_by_owner"}') };
  expect(statusText(newer, t())).toBe("paused by owner");
});

test("a job in a state of a newer service has ended if the service says so", () => {
  const newer = { ...job(), ...JSON.parse('{"state": "archived"}') };
  expect(hasEnded(newer)).toBe(false);
  expect(hasEnded({ ...newer, ended: true })).toBe(true);
  expect(hasEnded({ state: "failed" })).toBe(true);
});

test("a queued job says that it waits for a machine of a newer version", () => {
  const message = "Waiting for a machine of a newer version: It does not know params.sparkle.";
  expect(statusText(job({ state: "queued", stage: null, attempt: 0, message }), t())).toBe(
    "Waiting for a machine of a newer version",
  );
});
