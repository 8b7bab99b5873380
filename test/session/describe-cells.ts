/** Cells in words: states, inputs and steps, each on a line. */
import type { Step } from "#tertulia/session/table.js";

/** Kind or type, then what it has besides. */
export function describeSample(sample: object, tag: "kind" | "type" = "kind"): string {
  const { [tag]: word, ...rest } = sample as Record<string, unknown>;
  const fields = Object.entries(rest).filter(([, value]) => value !== undefined);
  const said = fields.map(([key, value]) => `${key}=${describe(value)}`);
  return [String(word), ...said].join(" ");
}

export function describeStep({ next, effects = [], raise = [], patch }: Step<never>): string {
  const parts = [
    ...(next === undefined ? [] : [`→ ${describeSample(next)}`]),
    ...effects.map((effect) => describeSample(effect, "type")),
    ...raise.map((input) => `raises ${describeSample(input, "type")}`),
    ...(patch === undefined ? [] : [`patches ${describe(patch)}`]),
  ];
  return parts.length === 0 ? "nothing" : parts.join("; ");
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (each instanceof Uint8Array) return `${each.length} bytes`;
    return each instanceof Map ? Object.fromEntries(each) : inShort(each);
  }).replaceAll('"', "");
}

/** What is many times the same is said in a word. */
function inShort(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Readonly<Record<string, string | number>>;
  if ("generation" in fields) return `${fields["generation"]}.${fields["offset"]}`;
  if (fields["kind"] === "general") return "~";
  if ("mid" in fields) return `~ ${fields["seq"]} epoch ${fields["epoch"]}`;
  if ("messages" in fields) return fields["messages"];
  if ("gaps" in fields) return `~ from ${fields["after"]}`;
  return value;
}
