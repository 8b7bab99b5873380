/** Reads the documents of the repository: which files, functions and rooms they name. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where a path in a document may begin: at the root, or, for short, in `src/`. */
const BEGINNINGS = ["", "src/"];
const PATH = /^\.?[\w@-][\w.@-]*(?:\/[\w.@-]+)+\/?$/;

export async function readDocument(path: string): Promise<string> {
  return readFile(join(ROOT, path), "utf8");
}

/** The file or folder that a document means by a path; undefined: there is none. */
export function resolvePath(path: string): string | undefined {
  return BEGINNINGS.map((each) => each + path).find((each) => existsSync(join(ROOT, each)));
}

/** Paths in `code` outside of blocks: whatever has a slash and looks like nothing else. */
export function pathsIn(text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)]
    .map(([, code]) => code!)
    .filter((code) => PATH.test(code));
}

export interface Named {
  readonly path: string;
  readonly name: string;
}

/** A file and, right behind it, a name in it: `` `gateway/hub.ts` `deliver` ``; also `` | `file` | `name` | ``. */
export function namesIn(text: string): readonly Named[] {
  const pairs = /`([\w./-]+\.(?:tsx?|m?js|lua|sh))`[ |]+`(#?[\w.]+)`/g;
  return [...withoutBlocks(text).matchAll(pairs)].map(([, path, name]) => ({
    path: path!,
    name: name!,
  }));
}

/** Whether a file has a name, or each part of `Class.member`. */
export async function hasName({ path, name }: Named): Promise<boolean> {
  const file = resolvePath(path);
  if (file === undefined) return false;
  const source = await readFile(join(ROOT, file), "utf8");
  return name.split(".").every((part) => new RegExp(`(?<![\\w#])${part}(?!\\w)`).test(source));
}

/** Of links to files of the repository, those that lead nowhere. */
export function deadLinks(path: string, text: string): readonly string[] {
  return [...withoutBlocks(text).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)]
    .map(([, target]) => target!)
    .filter((target) => !existsSync(join(ROOT, dirname(path), target)));
}

export interface MapEntry {
  /** From the root, without an extension if the map leaves it out. */
  readonly path: string;
  readonly about: string;
}

/**
 * The files that a document maps: of each block ` ```files FOLDER `, lines of names, separated by commas, and behind
 * two blanks what they are about.
 */
export function mapIn(text: string): readonly MapEntry[] {
  return [...text.matchAll(/^```files (\S+)\n([^]*?)^```$/gm)].flatMap(([, folder, body]) =>
    body!
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => {
        const [, names = "", about = ""] = /^(\S+(?:, \S+)*) {2,}(\S.*)$/.exec(line) ?? [];
        return names.split(", ").map((name) => ({ path: join(folder!, name), about }));
      }),
  );
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, "");
}
