/** The version of this release: one for the server, its clients, the image and the chart. */
import { readFile } from "node:fs/promises";

/** As in CHANGELOG.md, `0.2.0`. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
