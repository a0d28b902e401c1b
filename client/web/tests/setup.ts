import { webcrypto } from "node:crypto";
import { CompressionStream } from "node:stream/web";
import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { begin } from "@/messages";

// jsdom lacks these, and hides Node's where a worker makes it once for all of its files.
Object.assign(globalThis, { CompressionStream });
Object.defineProperty(globalThis.crypto, "subtle", { value: webcrypto.subtle });

beforeAll(() => begin("en"));
afterEach(cleanup);
