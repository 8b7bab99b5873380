/** Packages as they are published: packed from what a fresh clone has, and nothing built before. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const run = promisify(execFile);

/** What a clone does not have; node_modules is linked, which saves an `npm ci`. */
const NOT_CLONED = /(?:^|\/)(?:node_modules|dist|data|coverage|\.cache|\.git)$/;

export interface Packed {
  readonly tarball: string;
  /** Where programs can import it, and `ws`, and nothing else. */
  readonly folder: string;
  /** What is in it. */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

/** @param where The package's folder in the repository. */
export async function pack(where: string): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-package-"));
  const clone = join(folder, "clone");
  await cp(ROOT, clone, {
    recursive: true,
    filter: (path) => !NOT_CLONED.test(relative(ROOT, path)),
  });
  await symlink(join(ROOT, "node_modules"), join(clone, "node_modules"));
  const options = ["--json", "--pack-destination", folder];
  const { stdout } = await run("npm", ["pack", `./${where}`, ...options], { cwd: clone });
  const [{ name, filename, files }] = JSON.parse(stdout) as [
    { name: string; filename: string; files: { path: string }[] },
  ];
  const manifests = await Promise.all(
    [ROOT, clone].map((from) => readFile(join(from, "package.json"))),
  );
  if (!manifests[0]!.equals(manifests[1]!)) throw new Error("packing has changed package.json");
  await rm(clone, { recursive: true });
  const installed = join(folder, "node_modules", name);
  const tarball = join(folder, filename);
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  await symlink(join(ROOT, "node_modules/ws"), join(folder, "node_modules/ws"));
  return {
    tarball,
    folder,
    files: files.map(({ path }) => path),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
