/**
 * Writes what follows from wire/json-schema: docs/tertulia.v1.schema.json, and the shapes of the frames in
 * PROTOCOL.md, between their markers. `npm run schema` runs it; tests compare.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { publishedSchema } from "#tertulia/wire/json-schema.js";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const SCHEMA = file("tertulia.v1.schema.json");
const PROTOCOL = file("../PROTOCOL.md");

/** `<!-- shape: request hello -->`, a block of code, `<!-- end -->`. */
const MARKED = /<!-- shape: (request|event) (\w+) -->\n(?:(?!<!--).)*<!-- end -->/gs;
/** Bounds that only say that a number is a safe integer. */
const SAFE = Number.MAX_SAFE_INTEGER;
const WIDTH = 100;

/** The document with the shapes of today's schema, and which frames it shows. */
export function withShapes(text) {
  const { $defs } = publishedSchema();
  const shown = [];
  const document = text.replaceAll(MARKED, (_, kind, type) => {
    const frame = $defs[kind].oneOf.find(({ properties }) => properties.type.const === type);
    if (frame === undefined) throw new Error(`there is no ${kind} ${type}`);
    shown.push(`${kind} ${type}`);
    const name = `${type[0].toUpperCase()}${type.slice(1)}${kind === "event" ? "Event" : "Request"}`;
    const shape = `interface ${name} ${shapeOf(frame, "")}`;
    return `<!-- shape: ${kind} ${type} -->\n\n\`\`\`ts\n${shape}\n\`\`\`\n\n<!-- end -->`;
  });
  return { document, shown };
}

/** Every frame that there is, as `withShapes` names it. */
export function allFrames() {
  return Object.entries(publishedSchema().$defs).flatMap(([kind, { oneOf }]) =>
    oneOf.map(({ properties }) => `${kind} ${properties.type.const}`),
  );
}

function shapeOf({ properties, required = [] }, indent) {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).flatMap(([name, field]) => {
    // what has a default may be left out
    const isOptional = !required.includes(name) || field.default !== undefined;
    const comment = commentOf(name, field, inner);
    const type = typeOf(field, inner);
    const colon = type.startsWith("\n") ? ":" : ": ";
    return [...comment, `${inner}${name}${isOptional ? "?" : ""}${colon}${type};`];
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function typeOf(field, indent) {
  if (field.const !== undefined) return JSON.stringify(field.const);
  if (field.enum !== undefined) return choices(field.enum, indent);
  if (field.anyOf !== undefined) return field.anyOf.map((each) => typeOf(each, indent)).join(" | ");
  switch (field.type) {
    case "integer":
      return "number";
    case "array": {
      if (field.prefixItems !== undefined) {
        return `[${field.prefixItems.map((each) => typeOf(each, indent)).join(", ")}]`;
      }
      return `${typeOf(field.items, indent)}[]`;
    }
    case "object":
      if (field.properties !== undefined) return shapeOf(field, indent);
      return `{ [conv: string]: ${typeOf(field.additionalProperties, indent)} }`;
    default:
      return field.type;
  }
}

function choices(words, indent) {
  const quoted = words.map((word) => JSON.stringify(word));
  const line = quoted.join(" | ");
  if (line.length + indent.length <= WIDTH - 20) return line;
  return quoted.map((word) => `\n${indent}  | ${word}`).join("");
}

/** What the schema says of the field, then its bounds. PROTOCOL.md says once what an `id` and a `conv` are. */
function commentOf(name, field, indent) {
  if (name === "id") return [];
  const bounds = name === "conv" ? boundsOf({ default: field.default }) : boundsOf(field);
  const said = [field.description, bounds].filter((each) => each !== undefined);
  if (said.length === 0) return [];
  return wrapped(said.join(" "), WIDTH - indent.length - 3).map((line) => `${indent}// ${line}`);
}

function boundsOf(field) {
  const bounds = [];
  const { type, minLength, maxLength, pattern, minimum, maximum, maxItems, items } = field;
  if (type === "integer" && maximum !== SAFE) bounds.push(`${minimum} to ${maximum}`);
  if (minLength !== undefined) bounds.push(`${minLength} to ${maxLength} characters`);
  else if (maxLength !== undefined) bounds.push(`at most ${maxLength} characters`);
  if (pattern !== undefined) bounds.push(`like \`/${pattern}/u\``);
  if (maxItems !== undefined && items !== false) bounds.push(`at most ${maxItems}`);
  if (field.default !== undefined) bounds.push(`default \`${JSON.stringify(field.default)}\``);
  if (bounds.length === 0) return undefined;
  const text = `${bounds.join("; ")}.`;
  return text[0].toUpperCase() + text.slice(1);
}

function wrapped(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(SCHEMA, JSON.stringify(publishedSchema(), null, 2));
  writeFileSync(PROTOCOL, withShapes(readFileSync(PROTOCOL, "utf8")).document);
}
