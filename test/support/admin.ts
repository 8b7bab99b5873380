/** The operator's command, as it ships. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/admin/main.js", import.meta.url));

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs it on this Redis; Olga is the operator. */
export function admin(
  redis: string | { readonly REDIS_URL: string; readonly REDIS_PREFIX: string },
  ...words: string[]
): Promise<Said> {
  const settings = typeof redis === "string" ? { REDIS_URL: redis } : redis;
  const env = { PATH: process.env["PATH"], ...settings };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...words, "--by", "olga"], { env }, (error, out, stderr) =>
      resolve({ code: Number(error?.code ?? 0), out: out.trim(), error: stderr.trim() }),
    );
  });
}
