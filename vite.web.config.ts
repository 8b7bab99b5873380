/** Builds the page for browsers into one file, dist/web/index.html, from where each gateway serves it. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  root: fileURLToPath(new URL("src/clients/web", import.meta.url)),
  base: "./",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // one file: behind a balancer, the next request may reach a gateway of another version, which has other assets
  plugins: [viteSingleFile()],
  build: {
    outDir: fileURLToPath(new URL("dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2024",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark()
    modulePreload: false,
    rolldownOptions: { checks: { bundlerTimings: false } }, // a slow machine is no news
  },
});
