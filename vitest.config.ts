import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.env["CI"] ? ["default"] : ["default"],
    coverage: {
      provider: "v8",
      include: ["dist/**/*.js"],
      exclude: ["dist/main.js"],
      reporter: ["text-summary", "html"],
    },
  },
});
