/**
 * Finds booleans that outlive the call that sets them, and change: a field of a class or of an interface, a variable
 * that an inner function uses, a state of a component. Each may be a phase of a lifecycle in disguise.
 */
import { isNode, nameOf, nodesIn, type Node, type ParsedFile } from "./syntax.js";

/** As `gateway/peers.ts #hasAnswered`. */
export function flagsIn({ name, program }: ParsedFile): string[] {
  return [...nodesIn(program)]
    .flatMap(([node, above]) => flagsOf(node, above))
    .map((flag) => `${name} ${flag}`);
}

function flagsOf(node: Node, above: readonly Node[]): (string | undefined)[] {
  switch (node.type) {
    case "PropertyDefinition":
      return !node["readonly"] && isBoolean(node, node["value"]) ? [nameOf(node["key"])] : [];
    case "TSPropertySignature": {
      const isOfType = isLasting(above);
      return isOfType && !node["readonly"] && isBoolean(node) ? [nameOf(node["key"])] : [];
    }
    case "VariableDeclaration":
      return node["kind"] === "let" ? variables(node, above) : [];
    case "VariableDeclarator":
      return isHook(node["init"]) ? [hookName(node["id"])] : [];
    default:
      return [];
  }
}

/** Of a declared type, not of a parameter or a result. */
function isLasting(above: readonly Node[]): boolean {
  const outer = above.findLast(({ type }) => !/^TS(?:Type|Union|Intersection)(?!Alias)/.test(type));
  return outer?.type === "TSInterfaceBody" || outer?.type === "TSTypeAliasDeclaration";
}

/** Those of a `let` that a function inside the one that declares them uses. */
function variables(node: Node, above: readonly Node[]): string[] {
  const scope = above.findLast(({ type }) => isFunction(type) || type === "Program")!;
  const used = new Set(
    [...nodesIn(scope)]
      .filter(([, outer]) =>
        outer.slice(outer.indexOf(scope) + 1).some((each) => isFunction(each.type)),
      )
      .map(([each]) => nameOf(each)),
  );
  return (node["declarations"] as Node[])
    .filter(({ id, init }) => isBoolean(id as Node, init))
    .map(({ id }) => nameOf(id)!)
    .filter((each) => scope.type === "Program" || used.has(each));
}

function isFunction(type: string): boolean {
  return /Function/.test(type) && !type.startsWith("TS");
}

/** By its type, or by its first value. */
function isBoolean(declared: Node, first?: unknown): boolean {
  const annotation = declared["typeAnnotation"];
  if (isNode(annotation)) {
    const type = annotation["typeAnnotation"] as Node;
    const types = type.type === "TSUnionType" ? (type["types"] as Node[]) : [type];
    return types.some((each) => each.type === "TSBooleanKeyword");
  }
  return isNode(first) && isTruth(first);
}

function isTruth({ type, value, operator }: Node): boolean {
  if (type === "Literal") return typeof value === "boolean";
  if (type === "UnaryExpression") return operator === "!";
  return type === "BinaryExpression" && /^[!=<>]/.test(String(operator));
}

/** `useState` or `useRef` of a boolean. */
function isHook(init: unknown): boolean {
  if (!isNode(init) || init.type !== "CallExpression") return false;
  if (!/^use(?:State|Ref)$/.test(nameOf(init["callee"]) ?? "")) return false;
  const [first] = init["arguments"] as Node[];
  const types = isNode(init["typeArguments"]) ? [...nodesIn(init["typeArguments"])] : [];
  const given = first?.type === "ArrowFunctionExpression" ? (first["body"] as Node) : first;
  return (
    types.some(([{ type }]) => type === "TSBooleanKeyword") ||
    (given !== undefined && isTruth(given))
  );
}

function hookName(id: unknown): string | undefined {
  return isNode(id) && id.type === "ArrayPattern"
    ? nameOf((id["elements"] as unknown[])[0])
    : nameOf(id);
}
