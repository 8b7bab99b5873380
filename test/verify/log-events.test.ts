import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { LOG_EVENTS } from "#verifier/gateway-log.js";
import { tokensOf, type Token } from "#verifier/planted/tokens.js";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));
/** Not a gateway: they print for people. */
const PRINTS = /^(?:clients|doctor)\//;

interface LogCall {
  /** `redis/feed/feed.ts: log.warn({ … }, "…")`, as it stands there. */
  readonly where: string;
  readonly event: string | undefined;
  readonly sentence: string | undefined;
}

test("every line of the log has an event and a sentence, both as they stand there", async () => {
  const lacking = (await logCalls()).filter(
    ({ event, sentence }) => event === undefined || sentence === undefined,
  );
  // write it as log.warn({ event: "snake_case", … }, "constant sentence")
  expect(lacking.map(({ where }) => where)).toEqual([]);
});

test("every event of the log has one sentence, and every sentence one event", async () => {
  const sentences = new Map<string, string>();
  const events = new Map<string, string>();
  const wrong: string[] = [];
  for (const { where, event, sentence } of await logCalls()) {
    if (event === undefined || sentence === undefined) continue;
    if ((sentences.get(event) ?? sentence) !== sentence) wrong.push(`${where}: another sentence`);
    if ((events.get(sentence) ?? event) !== event) wrong.push(`${where}: another event`);
    if (!/^[a-z]+(?:_[a-z]+)*$/.test(event)) wrong.push(`${where}: ${event} is not snake_case`);
    sentences.set(event, sentence);
    events.set(sentence, event);
  }
  expect(wrong).toEqual([]);
});

test("docs/operations.md tells of every event, and of no other", async () => {
  const page = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [section] = page.split("## What is logged")[1]!.split("\n## ");
  const firstCells = [...section!.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    cell!.split(", "),
  );
  const told = firstCells.filter((cell) => cell !== "`event`").map((cell) => cell.slice(1, -1));
  const logged = (await logCalls()).map(({ event }) => event!);
  expect(told.toSorted()).toEqual([...new Set(logged)].toSorted());
});

test("gateways log every event that the verifier reads", async () => {
  const logged = new Set((await logCalls()).map(({ event }) => event));
  expect(LOG_EVENTS.filter((event) => !logged.has(event))).toEqual([]);
});

async function logCalls(): Promise<LogCall[]> {
  const entries = await readdir(SRC, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
    .filter((file) => !PRINTS.test(file));
  const calls = files.map(async (file) => {
    const source = await readFile(join(SRC, file), "utf8");
    return callsIn(tokensOf(source, "js")).map((call) => callOf(file, source, call));
  });
  return (await Promise.all(calls)).flat();
}

/** The tokens of each `log.warn(…)` and `log[level](…)`. */
function callsIn(tokens: readonly Token[]): Token[][] {
  return [...tokens.keys()].flatMap((i) => {
    const [log, dot, level, open, behind] = tokens.slice(i, i + 5).map(({ text }) => text);
    if (log !== "log" && log !== "#log") return [];
    const isLine = dot === "." && /^(?:trace|debug|info|warn|error|fatal)$/.test(level ?? "");
    const isOfSomeLevel = dot === "[" && open === "]" && behind === "(";
    if (!isOfSomeLevel && !(isLine && open === "(")) return [];
    const end = closing(tokens, i + (isOfSomeLevel ? 4 : 3));
    return [tokens.slice(i, end + 1)];
  });
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  return tokens.findIndex(({ text }, i) => {
    if (i < open) return false;
    if (/^[([{]$/.test(text)) depth++;
    return /^[)\]}]$/.test(text) && --depth === 0;
  });
}

function callOf(file: string, source: string, call: readonly Token[]): LogCall {
  const at = call.findIndex(({ text }, i) => text === "event" && call[i + 1]?.text === ":");
  const event = at === -1 ? undefined : call[at + 2]!.text;
  const last = call.at(-2)!.text === "," ? call.at(-3)! : call.at(-2)!;
  const isString = (text: string | undefined): text is string => text?.startsWith('"') === true;
  return {
    where: `${file}: ${source.slice(call[0]!.start, call.at(-1)!.end).replace(/\s+/g, " ")}`,
    event: isString(event) ? event.slice(1) : undefined,
    sentence: isString(last.text) ? last.text.slice(1) : undefined,
  };
}
