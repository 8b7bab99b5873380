/** Redis' own tools beside the server that the tests run, and the project's scripts that use them. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findRedisBinary } from "#tertulia/local-redis/binary.js";

const TOOLS = ["redis-cli", "redis-check-rdb", "redis-check-aof"];

/** A folder of these tools for the PATH, or undefined if they are not there. */
export async function redisTools(folder: string): Promise<string | undefined> {
  const words = await findRedisBinary();
  await mkdir(folder, { recursive: true });
  for (const tool of TOOLS) {
    const program = words.map((word, i) => (i < words.length - 1 ? word : beside(word, tool)));
    const script = `#!/bin/sh\nexec ${program.map((word) => `'${word}'`).join(" ")} "$@"\n`;
    await writeFile(join(folder, tool), script, { mode: 0o755 });
    // the oldest knows no --version, but is there
    const { status } = spawnSync(join(folder, tool), ["--version"], { stdio: "pipe" });
    if (status !== 0 && status !== 1) return undefined;
  }
  return folder;
}

function beside(server: string, tool: string): string {
  return basename(server) === server ? tool : join(dirname(server), tool);
}

/** Runs one of the project's scripts. Resolves with its exit code and what it said. */
export function script(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly said: string }> {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return new Promise((resolve) => {
    const child = execFile("sh", [file, ...args], { env }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, said: out + err });
    });
  });
}
