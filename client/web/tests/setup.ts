import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { begin } from "@/messages";

beforeAll(() => begin("en"));
afterEach(cleanup);
