/** A mistake in a cell, planted: the random sessions find it. `CELLS=all` tries every cell and shows what is not found. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ignored, impossible } from "#tertulia/session/table.js";
import { BYTES, JSON_TRAITS, SETTINGS, TABLES, type Region } from "./cell-samples.js";
import { ModelWorld } from "./model-world.js";
import { KINDS, randomRun } from "./random-run.js";

const SESSIONS = Number(process.env["RUNS"] ?? 400);
const WORLDS = SESSIONS;

/** Each of these cells, if nothing happened in it. */
const PLANTED = [
  "comeback expected: closeReceived",
  "comeback expected: socketClosed",
  "comeback expected: farewell",
  "transport open: close",
  "transport open: cut",
  "transport open: closeReceived",
  "transport peer-closing: finished",
  "service serving: leave",
  "service serving: abandon",
  "service finishing: drained",
  "name contesting: contestDecided",
  "name held: suspend",
  "request fresh: frame",
  "request waiting: sure",
  "request claiming: claimSettled",
  "delivery flowing: notice",
] as const;

/** What the random sessions and worlds find, in words. */
function found(): string | undefined {
  for (let seed = 1; seed <= SESSIONS; seed++) {
    for (const kind of Object.values(KINDS)) {
      const [broken] = attempted(() => randomRun(seed, kind).broken);
      if (broken !== undefined) return broken;
    }
  }
  const pairs = [
    [BYTES, BYTES],
    [BYTES, JSON_TRAITS],
    [JSON_TRAITS, JSON_TRAITS],
  ];
  const tape = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 200, size: "max" });
  for (const [i, numbers] of fc.sample(tape, { numRuns: WORLDS, seed: 1 }).entries()) {
    const settings = { ...SETTINGS, mustAwaitStore: i % 2 === 0 };
    const world = new ModelWorld(pairs[i % pairs.length]!, settings, numbers);
    const [broken] = attempted(() => {
      world.run();
      return world.broken;
    });
    if (broken !== undefined) return broken;
  }
  return undefined;
}

function attempted(run: () => readonly string[]): readonly string[] {
  try {
    return run();
  } catch (error) {
    return [String(error)];
  }
}

function without(cell: string): string | undefined {
  const [, region, kind, input] = /^(\S+) (\S+): (\S+)$/.exec(cell)!;
  const row = TABLES[region as Region][kind!]! as Record<string, unknown>;
  const before = row[input!];
  row[input!] = ignored;
  try {
    return found();
  } finally {
    row[input!] = before;
  }
}

test.each(PLANTED)("it is noticed when nothing happens in the cell %s", (cell) => {
  expect(without(cell)).toBeDefined();
});

test.runIf(process.env["CELLS"] === "all")("every cell", { timeout: 600_000 }, () => {
  const cells = Object.entries(TABLES).flatMap(([region, table]) =>
    Object.entries(table).flatMap(([kind, row]) =>
      Object.entries(row)
        .filter(([, cell]) => cell !== ignored && cell !== impossible)
        .map(([input]) => `${region} ${kind}: ${input}`),
    ),
  );
  const missed = cells.filter((cell) => without(cell) === undefined);
  console.log(`${missed.length} of ${cells.length} are not found:\n${missed.join("\n")}`);
});
