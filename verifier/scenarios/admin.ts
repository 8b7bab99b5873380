/** The operator: `npm run admin` of the release that is judged. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Cluster } from "../cluster.js";

const execute = promisify(execFile);

/** Returns what it printed. @throws Error unless it could be done */
export async function administer(
  { redis }: Cluster,
  dist: string,
  ...words: readonly string[]
): Promise<string> {
  const { port } = (await redis.primary()).options;
  const env = { PATH: process.env["PATH"], REDIS_URL: `redis://127.0.0.1:${port}` };
  const { stdout } = await execute(process.execPath, [`${dist}/admin/main.js`, ...words], { env });
  return stdout;
}
