/**
 * Random histories: whatever happens, and in whatever order, what a client sees and what is done in its name keeps
 * the promises. A history that breaks one is told by its seed. With `RECORD=folder` they are written there, to be
 * replayed by another implementation (histories.test.ts, HISTORIES=folder).
 */
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { brokenPromises } from "./broken-promises.js";
import { implementations } from "./implementation.js";
import { happen } from "./random-script.js";
import { History } from "./run-history.js";

const make = implementations[process.env["IMPLEMENTATION"] ?? "connection"]!;
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const HISTORIES = Number(process.env["RUNS"] ?? 300);
const folder = process.env["RECORD"];

test(`${HISTORIES} random histories keep the promises`, async () => {
  const broken: string[] = [];
  const recorded: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
    const history = new History(make);
    try {
      await happen(history, seed);
    } finally {
      recorded.push(`# seed ${seed}\n${await history.end()}`);
    }
    broken.push(...brokenPromises(recorded.at(-1)!).map((each) => `seed ${seed}: ${each}`));
  }
  if (folder !== undefined) await writeFile(`${folder}/random.txt`, recorded.join("\n"));
  expect(broken).toEqual([]);
});
