import { defineConfig } from "vitest/config";

/** Where .ci/run wants the counts. */
const report = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    coverage: {
      provider: "v8",
      include: ["dist/**/*.js"],
      exclude: ["dist/main.js", "dist/web/**"],
      reporter: ["text-summary", "html"],
    },
  },
});
