/** Tests run dist/: it is built before them, and in watch mode again after each change of a source. */
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { build } from "../../build.js";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** An editor writes several files, each in several steps, within this time. */
const GATHER_MS = 100;

export function setup({ vitest, config }: TestProject): (() => void) | undefined {
  build();
  if (!config.watch) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const rebuild = (_event: string, file: string): void => {
    if (!file.startsWith(SRC)) return;
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
  watcher.add(SRC).on("all", rebuild);
  return () => {
    clearTimeout(timer);
    watcher.off("all", rebuild);
  };
}
