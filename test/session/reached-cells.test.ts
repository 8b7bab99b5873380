/**
 * Every cell of the tables in which something happens is reached by what can really happen: one that nothing reaches is
 * one that nobody needs, or one that the random worlds do not try. Those that are said to be impossible throw.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Effect } from "#tertulia/session/effects.js";
import { ignored, impossible } from "#tertulia/session/table.js";
import { BYTES, JSON_TRAITS, SETTINGS, TABLES } from "./cell-samples.js";
import { PlantedBug } from "./model-shell.js";
import { ModelWorld } from "./model-world.js";

const WORLDS = 16_000;

/** Cells that are there for what a caller or another region might do some day. */
const UNREACHED: readonly string[] = [
  // the hub suspends a session before it is reclaimed
  "name held: reclaim",
  "name reclaiming: reclaim",
  "name recontesting: reclaim",
  // a session that signs out does not reclaim its name
  "name reclaiming: signedOut",
  "name recontesting: signedOut",
  // nor does one that has begun to leave lose it
  "service hurrying: lost",
  "service fenced: lost",
  "service releasing: lost",
  "service finished: lost",
];

test("every cell in which something happens is reached in random worlds", () => {
  const left = new Set<string>();
  const restore: (() => void)[] = [];
  for (const [region, table] of Object.entries(TABLES)) {
    for (const [kind, row] of Object.entries(table)) {
      for (const [input, cell] of Object.entries(row)) {
        if (cell === ignored || cell === impossible) continue;
        const name = `${region} ${kind}: ${input}`;
        left.add(name);
        const seen: typeof cell = (...args) => {
          left.delete(name);
          return cell(...args);
        };
        Object.assign(row, { [input]: seen });
        restore.push(() => Object.assign(row, { [input]: cell }));
      }
    }
  }
  const pairs = [
    [BYTES, BYTES],
    [BYTES, JSON_TRAITS],
    [JSON_TRAITS, JSON_TRAITS],
  ];
  const settings = { ...SETTINGS, maxEarlyBytes: 100 };
  const tape = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 200, size: "max" });
  for (const [i, numbers] of fc.sample(tape, { numRuns: WORLDS, seed: 1 }).entries()) {
    const isReplicated = { ...settings, mustAwaitStore: i % 2 === 0 };
    const bug = ["decode", "release"][i % 16];
    const run = ({ type }: Effect): void => {
      if (type === bug) throw new PlantedBug();
    };
    new ModelWorld(pairs[i % pairs.length]!, isReplicated, numbers, run).run();
  }
  for (const each of restore) each();
  expect([...left].toSorted()).toEqual(UNREACHED.toSorted());
});
