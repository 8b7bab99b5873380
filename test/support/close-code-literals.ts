/**
 * Finds close codes that are written as numbers. Times and sizes have separators in this code (`4_000`), close codes
 * have none; and whatever is compared with a `code` is one.
 */
import { isNode, nameOf, nodesIn, type Node, type ParsedFile } from "./syntax.js";

/** As `gateway/connection.ts 1006`. */
export function closeCodesIn({ name, program }: ParsedFile): string[] {
  return [...nodesIn(program)].flatMap(([node, above]) => {
    const { value, raw } = node;
    if (node.type !== "Literal" || typeof value !== "number") return [];
    const isPlain = /^(?:10(?:0\d|1[0-5])|4\d{3})$/.test(String(raw));
    const isCompared = value >= 1_000 && value < 5_000 && isComparedWithCode(above.at(-1));
    return isPlain || isCompared ? [`${name} ${String(raw)}`] : [];
  });
}

function isComparedWithCode(node: Node | undefined): boolean {
  if (node?.type !== "BinaryExpression" && node?.type !== "SwitchCase") return false;
  if (node.type === "SwitchCase") return true;
  return [node["left"], node["right"]].some((side) => {
    const named = isNode(side) && side.type === "MemberExpression" ? side["property"] : side;
    return /code$/i.test(nameOf(named) ?? "");
  });
}
