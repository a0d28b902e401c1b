import { webcrypto } from "node:crypto";
import { CompressionStream } from "node:stream/web";
import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { initMessages } from "@/messages";

// jsdom lacks these, and hides Node's where a worker makes it once for all of its files.
Object.assign(globalThis, { CompressionStream });
Object.defineProperty(globalThis.crypto, "subtle", { value: webcrypto.subtle });

configure({ asyncUtilTimeout: 10_000 }); // a busy machine takes its time

beforeAll(() => initMessages("en"));
afterEach(cleanup);
