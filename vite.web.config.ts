/** Builds the page for browsers into dist/web, from where each gateway serves it. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("src/clients/web", import.meta.url)),
  base: "./",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    {
      // what a lazily loaded language needs is that language alone: no style sheets, nothing ahead
      name: "plain-import",
      enforce: "pre",
      load: (id) =>
        id.endsWith("vite/preload-helper.js")
          ? "export const __vitePreload = (load) => load();"
          : undefined,
    },
  ],
  build: {
    outDir: fileURLToPath(new URL("dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2024",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark()
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: { checks: { bundlerTimings: false } }, // a slow machine is no news
  },
});
