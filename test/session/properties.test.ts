/** Whatever happens, and in whatever order, the invariants of src/session/invariants.ts hold. */
import { expect, test } from "vitest";
import { KINDS, randomRun } from "./random-run.js";

const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const RUNS = Number(process.env["RUNS"] ?? 2_000);

for (const [name, kind] of Object.entries(KINDS)) {
  test(`the invariants hold in ${RUNS} random sessions of ${name}`, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const { broken, story } = randomRun(seed, kind);
      if (broken.length > 0) expect(broken, `seed ${seed}\n${story}`).toEqual([]);
    }
  });
}
