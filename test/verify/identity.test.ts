import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "#verifier/run.js";
import { accounts } from "#verifier/scenarios/accounts.js";
import { moderation } from "#verifier/scenarios/moderation.js";
import { owners } from "#verifier/scenarios/owners.js";
import { rights } from "#verifier/scenarios/rights.js";
import type { ScenarioResult } from "#verifier/scenarios/scenario.js";
import { tokens } from "#verifier/scenarios/tokens.js";
import { untimed } from "../support/untimed.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const settings = { seed: 7, topology: "single", gateways: 2, dist } as const;

function expectKept({ judgements }: ScenarioResult): void {
  expect(untimed(judgements)).toEqual([]);
  expect(judgements.filter(({ verdict }) => verdict === "void")).toEqual([]);
}

test("accounts: nobody gets in but by what proves the name", async () => {
  expectKept(await accounts(settings, 1));
}, 120_000);

test("tokens: nobody gets in but by a token that is good", async () => {
  expectKept(await tokens(settings, 1));
}, 120_000);

test("moderation: who is banned, kicked or muted is, until that is lifted", async () => {
  expectKept(await moderation(settings, 1));
}, 180_000);

test("rights: users do what users may, and what is removed is gone", async () => {
  expectKept(await rights(settings, 1));
}, 120_000);

test("owners: names are kept, and private messages shown, as the settings say", async () => {
  expectKept(await owners(settings, 1));
}, 180_000);

test("while gateways are killed, thieves get no name", async () => {
  const size = { clients: 6, json: 2, rate: 50, minutes: 0.2, faults: ["kill-gateway"] };
  const { judgements } = await run({
    ...settings,
    ...size,
    identity: "accounts",
    ack: "fast",
    ackReplicas: 1,
  });
  expect(untimed(judgements)).toEqual([]);
  const proved = judgements.find(({ id }) => id === "names-are-proved");
  expect(proved?.seen).toBeGreaterThan(3);
}, 180_000);
