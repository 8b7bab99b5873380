/** Plants a bug in a copy of `dist`. */
import { cp, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLANTED } from "./bugs.js";
import { changed } from "./change.js";

/** Returns the copy's folder. @throws Error if the bug does not fit the code any more. */
export async function plant(name: string, dist: string): Promise<string> {
  const planted = PLANTED[name];
  if (planted === undefined)
    throw new Error(`no such bug: ${name}; there are ${Object.keys(PLANTED).join(" ")}`);
  const copy = await copyOf(dist);
  for (const file of new Set(planted.changes.map((change) => change.file))) {
    const path = join(copy, builtFrom(file));
    const changes = planted.changes.filter((change) => change.file === file);
    await writeFile(path, changed(await readFile(path, "utf8"), changes, name));
  }
  return copy;
}

/** The file of `dist/` that a file of `src/` is compiled to. */
export function builtFrom(file: string): string {
  return file.replace(/\.ts$/, ".js");
}

/** A copy of `dist` that can run, in a folder of its own. */
export async function copyOf(dist: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-planted-"));
  const copy = join(folder, "dist");
  await cp(dist, copy, { recursive: true });
  await symlink(join(dist, "../node_modules"), join(folder, "node_modules"));
  await symlink(join(dist, "../package.json"), join(folder, "package.json"));
  return copy;
}
