/** `npm run verify`: runs a cluster under faults and says whether it kept its promises. */
import { rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PROJECT_FAULTS } from "./compose/faults.js";
import { tryProject } from "./compose/run.js";
import { IDENTITIES } from "./credentials.js";
import { tryDeployment } from "./deployment.js";
import { faultsOf } from "./nemesis.js";
import { plant } from "./planted/plant.js";
import type { Bug } from "./planted/bug.js";
import { PLANTED } from "./planted/bugs.js";
import { run, type Result, type RunSettings } from "./run.js";
import { report } from "./report.js";
import { brokenOf } from "./rules/rule.js";
import { TRUTH_RULES } from "./rules/rules.js";
import type { Showing } from "./rules/shown.js";
import { accounts } from "./scenarios/accounts.js";
import { crowd } from "./scenarios/crowd.js";
import { elections } from "./scenarios/elections.js";
import { moderation } from "./scenarios/moderation.js";
import { owners } from "./scenarios/owners.js";
import { returns } from "./scenarios/returns.js";
import { rights } from "./scenarios/rights.js";
import type { ScenarioResult } from "./scenarios/scenario.js";
import { tokens } from "./scenarios/tokens.js";

const USAGE = `npm run verify -- [--topology single|sentinel] [--ack fast|replicated] [--replicas N] [--seed N] [--minutes M]
    [--faults a,b,...] [--gateways N] [--clients N] [--json N] [--rate N] [--beside ../before/dist]
    [--identity open|accounts|token]
    beside: another release; at each start a gateway changes from one to the other
    identity: clients log in, and thieves want their names
npm run verify -- --url ws://host:9000[,ws://...] [--clients N] [--rate N] [--minutes M]
    [--private-history tenure|name]
    a deployment that is running: nothing is harmed, rate is messages a second of each client
npm run verify -- --url ws://localhost:9000 --compose PROJECT [--faults a,b,...] [--seed N] [--minutes M] ...
    a docker compose project on this machine, whose containers are killed, stopped, frozen, recreated
npm run verify -- --elections N             leaders frozen, stopped, killed: none acts when its time is over
npm run verify -- --crowd N                 a gateway with N connections is killed: who hears it, and when
npm run verify -- --returns N               N JSON clients come back after kills and rolling restarts
npm run verify -- --owners N                N names are left, and others want them, in both modes of PRIVATE_HISTORY
npm run verify -- --accounts N              N users with passwords, whose names others want
npm run verify -- --tokens N                N users with tokens: good, bad, expired and revoked ones
npm run verify -- --moderation N            N users are banned, N addresses, N are kicked and N muted
npm run verify -- --rights N                N times users try what only moderators may, and remove messages
npm run verify -- --planted all|NAME,...    try whether planted bugs are found
bugs: ${Object.keys(PLANTED).join(" ")}
faults of single: ${faultsOf("single").join(" ")}
faults of sentinel: ${faultsOf("sentinel").join(" ")}; none: --faults ""
faults of a compose project: ${Object.keys(PROJECT_FAULTS).join(" ")}`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 100_000) },
      minutes: { type: "string", default: "3" },
      topology: { type: "string", default: "single" },
      ack: { type: "string", default: "fast" },
      replicas: { type: "string", default: "1" },
      identity: { type: "string", default: "open" },
      faults: { type: "string" },
      gateways: { type: "string", default: "3" },
      clients: { type: "string", default: "24" },
      json: { type: "string", default: "8" },
      dist: { type: "string", default: fileURLToPath(new URL("../../dist", import.meta.url)) },
      beside: { type: "string" },
      rate: { type: "string" },
      url: { type: "string" },
      compose: { type: "string" },
      elections: { type: "string" },
      crowd: { type: "string" },
      returns: { type: "string" },
      owners: { type: "string" },
      "private-history": { type: "string", default: "tenure" },
      accounts: { type: "string" },
      tokens: { type: "string" },
      moderation: { type: "string" },
      rights: { type: "string" },
      planted: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const topology = oneOf("topology", values.topology, ["single", "sentinel"]);
  const ack = oneOf("ack", values.ack, ["fast", "replicated"]);
  const isDeployment = values.url !== undefined || values.compose !== undefined;
  const settings = {
    topology,
    ack,
    ackReplicas: Number(values.replicas),
    identity: oneOf("identity", values.identity, IDENTITIES),
    seed: Number(values.seed),
    minutes: Number(values.minutes),
    faults: values.faults?.split(",").filter((name) => name !== "") ?? faultsOf(topology, ack),
    gateways: Number(values.gateways),
    clients: Number(values.clients),
    json: Number(values.json),
    dist: values.dist,
    beside: values.beside && resolve(values.beside),
    rate: Number(values.rate ?? (isDeployment ? 5 : Infinity)),
  };
  if (values.compose !== undefined) {
    const faults = values.faults?.split(",").filter((name) => name !== "");
    const urls = (values.url ?? "ws://127.0.0.1:9000").split(",");
    return toldWithFaults(await tryProject({ ...settings, faults, urls, project: values.compose }));
  }
  if (values.url !== undefined) {
    const modes = ["tenure", "name"] as const;
    const privateHistory = oneOf("private-history", values["private-history"], modes);
    return deployment(values.url.split(","), settings, privateHistory);
  }
  if (values.planted !== undefined) return findPlanted(values.planted, settings);
  if (values.elections !== undefined) {
    return told(await elections(settings, Number(values.elections)));
  }
  if (values.crowd !== undefined)
    return told(await crowd(settings, Number(values.crowd), CROWD_ROUNDS));
  if (values.returns !== undefined)
    return told(await returns(settings, Number(values.returns), RETURNS_ROUNDS));
  if (values.owners !== undefined) return told(await owners(settings, Number(values.owners)));
  if (values.accounts !== undefined) return told(await accounts(settings, Number(values.accounts)));
  if (values.tokens !== undefined) return told(await tokens(settings, Number(values.tokens)));
  if (values.rights !== undefined) return told(await rights(settings, Number(values.rights)));
  if (values.moderation !== undefined)
    return told(await moderation(settings, Number(values.moderation)));
  console.log(
    `seed ${settings.seed}, ${topology}, ack ${settings.ack}, ${settings.identity}, ${settings.minutes} minutes, ${settings.gateways} gateways, ${settings.clients} + ${settings.json} clients`,
  );
  return toldWithFaults(await run(settings));
}

function toldWithFaults(result: Result): number {
  for (const [name, count] of result.faults) console.log(`fault ${name}: ${count}`);
  const code = told(result);
  console.log(`history: ${result.historyPath}`);
  return code;
}

async function deployment(
  urls: string[],
  settings: RunSettings,
  privateHistory: Showing["privateHistory"],
): Promise<number> {
  console.log(`${urls.join(", ")}: ${settings.clients} clients, ${settings.rate} messages/s each`);
  const result = await tryDeployment({ ...settings, urls, privateHistory, maxBytes: 4_096 });
  for (const { id, sentence } of TRUTH_RULES) {
    console.log(`not checked, needs Redis: ${id}: ${sentence}`);
  }
  const code = told(result);
  console.log(`history: ${result.historyPath}`);
  return code;
}

const CROWD_ROUNDS = 5;
const RETURNS_ROUNDS = { kills: 5, rollingRestarts: 2 };

/** 0 if each planted bug was found. */
async function findPlanted(names: string, settings: RunSettings): Promise<number> {
  let missed = 0;
  for (const name of names === "all" ? Object.keys(PLANTED) : names.split(",")) {
    const dist = await plant(name, settings.dist);
    const { faults, minutes, topology = "single", ack = settings.ack, ...bug } = PLANTED[name]!;
    const { identity = "open" } = bug;
    const changed = { ...settings, dist, topology, ack, identity, faults, minutes };
    const { judgements } = await (bug.scenario === undefined
      ? run(changed)
      : small(bug.scenario, changed));
    await rm(dirname(dist), { recursive: true }); // after an error it stays, to be looked at
    const broken = brokenOf(judgements);
    const silent = bug.breaks.filter((rule) => !broken.some(({ id }) => id === rule));
    const most = bug.scenario === undefined ? bug.breaks.length - 1 : 0;
    const isFound = silent.length <= most;
    const rules = broken.map(({ id, wrong }) => `${id} (${wrong.length})`).join("; ");
    console.log(`${isFound ? "found" : `MISSED by ${silent.join(", ")}`} ${name}: ${rules}`);
    if (!isFound) missed++;
  }
  console.log(missed === 0 ? "VERDICT: every planted bug was found" : `VERDICT: ${missed} missed`);
  return missed === 0 ? 0 : 1;
}

/** A scenario as small as a planted bug needs it: half a minute. */
function small(
  scenario: NonNullable<Bug["scenario"]>,
  settings: RunSettings,
): Promise<ScenarioResult> {
  switch (scenario) {
    case "elections":
      return elections(settings, 3);
    case "crowd":
      return crowd(settings, 200, 1);
    case "returns":
      return returns(settings, 100, { kills: 1, rollingRestarts: 1 });
    case "owners":
      return owners(settings, 3);
    case "accounts":
      return accounts(settings, 1);
    case "tokens":
      return tokens(settings, 1);
    case "moderation":
      return moderation(settings, 1);
    case "rights":
      return rights(settings, 1);
    default:
      return scenario satisfies never;
  }
}

/** Prints it. Returns the exit code. */
function told(result: ScenarioResult): number {
  const { lines, code } = report(result);
  for (const line of lines) console.log(line);
  return code;
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw new Error(`--${option} is one of ${known.join(", ")}`);
  return found;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    console.error(USAGE);
    process.exit(3);
  },
);
