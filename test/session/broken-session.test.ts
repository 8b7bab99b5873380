/**
 * A bug in the shell or in a cell, wherever it is: the session comes to its end all the same, once, and its name is
 * free again. The bug is told once.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Effect } from "#tertulia/session/effects.js";
import { brokenInvariants } from "#tertulia/session/invariants.js";
import { isBroken } from "#tertulia/session/questions.js";
import { BYTES, JSON_TRAITS, SETTINGS, TABLES } from "./cell-samples.js";
import { PlantedBug } from "./model-shell.js";
import { ModelWorld } from "./model-world.js";

const RUNS = Number(process.env["RUNS"] ?? 2_000);

const tape = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 120, size: "max" });
const pair = fc.constantFrom([BYTES, BYTES], [BYTES, JSON_TRAITS], [JSON_TRAITS, JSON_TRAITS]);
const place = fc.nat(60);
const settings = { ...SETTINGS, maxEarlyBytes: 1_000 };

/** Throws at one call. */
function bugAt(call: number): (what: string) => void {
  let left = call;
  return (what) => {
    if (left-- === 0) throw new PlantedBug(what);
  };
}

function expectToEnd(world: ModelWorld): void {
  world.run();
  for (const { bugs, broken, ended, state, questions, story } of world.shells) {
    const end = [ended, state.service.kind, questions.length, ...brokenInvariants(state)];
    expect(end, story.join("\n")).toEqual([1, "over", 0]);
    expect(bugs.length).toBeLessThanOrEqual(1);
    // the bug itself breaks promises to its client, and to nobody else
    if (!isBroken(state)) expect(broken, story.join("\n")).toEqual([]);
  }
}

test("an effect that throws", () => {
  const hit = new Set<Effect["type"]>();
  const property = fc.property(pair, tape, place, (traits, numbers, at) => {
    const throwAt = bugAt(at);
    const world = new ModelWorld(traits, settings, numbers, ({ type }) => {
      if (type === "ended") return; // the gateway knows by then
      try {
        throwAt(type);
      } catch (error) {
        hit.add(type);
        throw error;
      }
    });
    expectToEnd(world);
  });
  fc.assert(property, { numRuns: RUNS, seed: Number(process.env["SEED"] ?? 1) });
  expect([...hit]).toEqual(
    expect.arrayContaining(["decode", "send", "claim", "uncork", "execute"]),
  );
});

test("a cell that throws", () => {
  let call: (what: string) => void = () => {};
  const restore: (() => void)[] = [];
  for (const [region, table] of Object.entries(TABLES)) {
    for (const [kind, row] of Object.entries(table)) {
      for (const [input, cell] of Object.entries(row)) {
        const throwing: typeof cell = (...args) => {
          const [, , state] = args;
          if (input !== "broken" && !isBroken(state)) call(`${region} ${kind}: ${input}`);
          return cell(...args);
        };
        Object.assign(row, { [input]: throwing });
        restore.push(() => Object.assign(row, { [input]: cell }));
      }
    }
  }
  const property = fc.property(pair, tape, place, (traits, numbers, at) => {
    const world = new ModelWorld(traits, settings, numbers);
    call = bugAt(at * 4);
    expectToEnd(world);
  });
  try {
    fc.assert(property, { numRuns: RUNS, seed: Number(process.env["SEED"] ?? 1) });
  } finally {
    for (const each of restore) each();
  }
});
