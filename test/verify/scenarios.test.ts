import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { plant } from "#verifier/planted/plant.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { crowd } from "#verifier/scenarios/crowd.js";
import { elections } from "#verifier/scenarios/elections.js";
import { untimed } from "../support/untimed.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const settings = { seed: 7, topology: "single", gateways: 3, dist } as const;

test("no leader can act once another has", async () => {
  const { judgements, figures, voidBecause } = await elections(settings, 5);
  expect(untimed(judgements)).toEqual([]);
  expect(voidBecause).toBeUndefined();
  expect(figures["of these refused"]).toBe(5 * 32);
}, 180_000);

test("the verifier catches a leader that acts after its lease", async () => {
  const unfenced = { ...settings, dist: await plant("no-leader-fencing", dist) };
  onTestFinished(() => rm(dirname(unfenced.dist), { recursive: true }));
  const { judgements } = await elections(unfenced, 1);
  expect(brokenOf(judgements).map(({ id }) => id)).toEqual(["stale-leader-cannot-act"]);
}, 120_000);

test("the users of a killed gateway are signed out once at every viewer, and nobody else is", async () => {
  const { judgements, figures } = await crowd(settings, 300, 1);
  expect(untimed(judgements)).toEqual([]);
  expect(figures["sign-outs heard"]).toBe(300 * 6);
}, 120_000);
