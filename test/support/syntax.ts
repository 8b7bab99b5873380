/** Reads sources as syntax trees, for rules that a search for text cannot hold. Trees are ESTree's, with types. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "vite";
import { readSources } from "./imports.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ParsedFile {
  /** As `gateway/hub.ts`. */
  readonly name: string;
  readonly program: Node;
}

export async function parseSources(folders: readonly string[]): Promise<readonly ParsedFile[]> {
  const sources = (await readSources(folders)).filter(({ path }) => /\.tsx?$/.test(path));
  return Promise.all(
    sources.map(async ({ name, path }) => parse(name, await readFile(join(ROOT, path), "utf8"))),
  );
}

/** @throws if it is no TypeScript that this parser understands */
export function parse(name: string, text: string): ParsedFile {
  const { program, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]!.message}`);
  return { name, program: program as unknown as Node };
}

/** A node and all below it, each with those above it, the nearest last. */
export function* nodesIn(
  node: Node,
  above: readonly Node[] = [],
): Generator<readonly [Node, readonly Node[]]> {
  yield [node, above];
  const inside = [...above, node];
  for (const child of Object.values(node).flat()) {
    if (isNode(child)) yield* nodesIn(child, inside);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof Object(value).type === "string";
}

/** The name of an identifier, also of a private one; undefined for anything else. */
export function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  const { type, name } = node;
  if (type === "PrivateIdentifier") return `#${String(name)}`;
  return type === "Identifier" ? String(name) : undefined;
}
