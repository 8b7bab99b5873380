/**
 * Two sessions want one name, whatever happens, and in whatever order: never do both act in it; each message is told
 * once, in order, and none is lost; requests are answered in their order; nothing is told behind a close; every
 * session comes to its end once. A failure is shown by the shortest list of numbers that leads to it.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BYTES, JSON_TRAITS, SETTINGS } from "./cell-samples.js";
import { ModelWorld } from "./model-world.js";

const RUNS = Number(process.env["RUNS"] ?? 1_000);

const PAIRS = {
  "bytes and bytes": [BYTES, BYTES],
  "bytes and JSON": [BYTES, JSON_TRAITS],
  "JSON and JSON": [JSON_TRAITS, JSON_TRAITS],
} as const;
const tape = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 200, size: "max" });

for (const [name, traits] of Object.entries(PAIRS)) {
  for (const mustAwaitStore of [false, true]) {
    test(`${name}${mustAwaitStore ? ", replicated" : ""}: no promise is broken`, () => {
      const settings = { ...SETTINGS, mustAwaitStore, maxEarlyBytes: 1_000 };
      const property = fc.property(tape, (numbers) => {
        const world = new ModelWorld(traits, settings, numbers);
        world.run();
        const stories = world.shells.map(({ story }) => story.join("\n")).join("\n---\n");
        expect(world.broken, stories).toEqual([]);
      });
      fc.assert(property, { numRuns: RUNS, seed: Number(process.env["SEED"] ?? 1) });
    });
  }
}
