import { webcrypto } from "node:crypto";
import { CompressionStream } from "node:stream/web";
import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { initMessages } from "@/messages";

// jsdom lacks these, and hides Node's own when one jsdom serves all files of a worker.
Object.assign(globalThis, { CompressionStream });
Object.defineProperty(globalThis.crypto, "subtle", { value: webcrypto.subtle });

configure({ asyncUtilTimeout: 10_000 }); // a busy machine is slow

beforeAll(() => initMessages("en"));
afterEach(cleanup);
