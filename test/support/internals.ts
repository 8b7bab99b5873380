/** Finds uses of what libraries keep for themselves: by the name of a member, as it is written. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isNode, nameOf, nodesIn, type Node, type ParsedFile } from "./syntax.js";

const IOREDIS = fileURLToPath(
  new URL("../../node_modules/ioredis/built/Redis.d.ts", import.meta.url),
);

/** What the types of ioredis mark as internal or as private of a connection. */
export async function internalsOfRedis(): Promise<ReadonlySet<string>> {
  const types = await readFile(IOREDIS, "utf8");
  const marked = types.matchAll(/(?:@ignore\s*\*\/\s*|^\s*private )(?:static |readonly )*(\w+)/gm);
  return new Set([...marked].map(([, name]) => name!));
}

/**
 * Members of a library's object that a file names: those given; what begins with an underscore; all that is read by
 * `Reflect.get` or removed by `removeAllListeners`. As `gateway/keepalive.ts _handle`.
 */
export function internalsIn(
  { name, program }: ParsedFile,
  internal: ReadonlySet<string>,
): readonly string[] {
  const found = [...nodesIn(program)].flatMap(([node]) => membersOf(node));
  return found
    .filter((each) => internal.has(each) || /^_|^Reflect\.|^removeAllListeners$/.test(each))
    .map((each) => `${name} ${each}`);
}

function membersOf(node: Node): string[] {
  if (node.type === "MemberExpression") {
    const member = textOf(node["property"]);
    return member === undefined
      ? []
      : nameOf(node["object"]) === "Reflect"
        ? [`Reflect.${member}`]
        : [member];
  }
  if (node.type !== "ObjectPattern") return [];
  return (node["properties"] as Node[]).flatMap(({ key }) => textOf(key) ?? []);
}

/** A name, or a text between brackets; a private name is the file's own. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal") return String(node["value"]);
  return node.type === "Identifier" ? nameOf(node) : undefined;
}
