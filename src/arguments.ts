/** The command line of `tertulia`. All settings are in the environment. */
import { readFunctionSource } from "./redis/function-library.js";
import { readVersion } from "./version.js";

export const HELP = `tertulia: a gateway of a chat cluster, on port 9000

It takes its settings from the environment, REDIS_URL and PORT first of all:
README.md has the table, docs/operations.md the rest.

  --version         the release, and the version of its functions in Redis
  --help            this
`;

export type Asked = "run" | "version" | "help" | "wrong";

export function readArguments(words: readonly string[]): Asked {
  const [first, ...rest] = words;
  if (first === undefined) return "run";
  if (rest.length > 0) return "wrong";
  if (first === "--version" || first === "-v") return "version";
  return first === "--help" || first === "-h" ? "help" : "wrong";
}

/** The versions of the release and of its functions in Redis: both matter while two releases serve side by side. */
export async function versionLine(): Promise<string> {
  const [version, source] = await Promise.all([readVersion(), readFunctionSource()]);
  return `tertulia ${version} (function library ${source.version})`;
}
