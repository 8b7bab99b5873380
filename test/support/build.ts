/** Tests run dist/: it is built before them, and in watch mode again after each change of a source. */
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { build } from "../../build.js";

const SOURCES = ["src", "verifier"].map((folder) =>
  fileURLToPath(new URL(`../../${folder}/`, import.meta.url)),
);

/** An editor writes several files, each in several steps, within this time. */
const GATHER_MS = 100;

export function setup({ vitest, config }: TestProject): (() => void) | undefined {
  build();
  if (!config.watch) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const rebuild = (_event: string, file: string): void => {
    if (!SOURCES.some((folder) => file.startsWith(folder)) || file.includes("/dist/")) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      try {
        build(); // what it writes is what vitest watches
      } catch {
        vitest.logger.warn("the sources have errors: no test runs until they are mended");
      }
    }, GATHER_MS);
  };
  const { watcher } = vitest.vite;
  watcher.add(SOURCES).on("all", rebuild);
  return () => {
    clearTimeout(timer);
    watcher.off("all", rebuild);
  };
}
