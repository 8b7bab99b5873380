/** Reads the sources as they stand: which files there are, and what each imports. */
import { readFile, readdir } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** `src/` is left out of names: a room outside it begins with its own folder. */
export interface SourceFile {
  /** As `gateway/hub.ts`. */
  readonly name: string;
  /** From the root of the repository. */
  readonly path: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** A package, or a file by its name. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly isTypeOnly: boolean;
  /** By `#tertulia/`: code outside src uses the build of src. */
  readonly isOfBuild: boolean;
}

/** @throws if a relative import leads to no file: then this reader does not understand it. */
export async function readSources(folders: readonly string[]): Promise<readonly SourceFile[]> {
  const paths = (await Promise.all(folders.map(sourcesIn))).flat();
  const known = new Set(paths);
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(ROOT, path), "utf8");
      return {
        name: nameOf(path),
        path,
        imports: /\.tsx?$/.test(path) ? importsOf(path, text, known) : [],
      };
    }),
  );
}

/** Files of a folder that have more lines than this, as `path: lines`. */
export async function longFiles(folders: readonly string[], lines: number): Promise<string[]> {
  const paths = (await Promise.all(folders.map(sourcesIn))).flat();
  const counted = paths.map(async (path) => {
    const text = await readFile(join(ROOT, path), "utf8");
    return { path, count: text.trimEnd().split("\n").length };
  });
  return (await Promise.all(counted))
    .filter(({ count }) => count > lines)
    .map(({ path, count }) => `${path}: ${count}`);
}

async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(tsx?|m?js|css|html|lua)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("/dist/"));
}

const STATEMENT =
  /(?:^(?:import|export)(?<type> type)?(?:[^"';]* from)? |\bimport\()\s*"(?<target>[^"]+)"/gm;

function importsOf(path: string, text: string, known: ReadonlySet<string>): Import[] {
  return [...text.matchAll(STATEMENT)].map(({ groups }) => {
    const target = groups!["target"]!;
    const isTypeOnly = groups!["type"] !== undefined;
    const isOfBuild = target.startsWith("#tertulia/");
    const wanted = target.startsWith(".")
      ? normalize(join(dirname(path), target))
      : isOfBuild
        ? target.replace("#tertulia/", "src/")
        : undefined;
    if (wanted === undefined) return { target, isPackage: true, isTypeOnly, isOfBuild };
    const stem = wanted.replace(/\.js$/, "");
    const found = [wanted, `${stem}.ts`, `${stem}.tsx`].find((each) => known.has(each));
    if (found === undefined) throw new Error(`${path} imports ${target}, which is no file`);
    return { target: nameOf(found), isPackage: false, isTypeOnly, isOfBuild };
  });
}

function nameOf(path: string): string {
  return path.replace(/^src\//, "");
}

/** The shortest cycles, as `a → b → a`: at least one for each group of files that import each other. */
export function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  for (const start of [...graph.keys()].toSorted()) {
    const way = done.has(start) ? undefined : wayBack(graph, start);
    if (way === undefined) continue;
    for (const each of way) done.add(each);
    cycles.push([...way, start].join(" → "));
  }
  return cycles;
}

/** The shortest way from a file to itself. */
function wayBack(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of graph.get(way.at(-1)!) ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** The files that are imported from these, directly or through others; these included. */
export function reachedFrom(
  graph: ReadonlyMap<string, readonly string[]>,
  starts: readonly string[],
): ReadonlySet<string> {
  const reached = new Set(starts);
  for (const each of reached) for (const next of graph.get(each) ?? []) reached.add(next);
  return reached;
}
