import { defineConfig } from "vitest/config";

/** Where .ci/run wants the counts. */
const report = process.env["TEST_REPORT"];

const CONTAINERS = "test/deploy/compose.test.ts";

export default defineConfig({
  test: {
    // containers last and alone: building an image would keep the other tests' disks and cores busy
    projects: [
      {
        extends: true,
        test: { name: "processes", include: ["test/**/*.test.ts"], exclude: [CONTAINERS] },
      },
      {
        extends: true,
        test: { name: "containers", include: [CONTAINERS], sequence: { groupOrder: 1 } },
      },
    ],
    globalSetup: "test/support/global-setup.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
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
