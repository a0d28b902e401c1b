import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // The content security policy takes nothing inline, so no data: URIs for scripts or fonts either.
    assetsInlineLimit: 0,
    license: { fileName: "licences.txt" }, // the licences of bundled packages require their notices
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    maxWorkers: 2,
    pool: "vmThreads", // one jsdom for each worker: a third of the time
    testTimeout: 20_000,
  },
});
