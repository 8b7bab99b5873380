/** `npm run verify`: runs the cluster under faults and says whether it kept its promises. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAULTS } from "./nemesis.js";
import { PLANTED, plant } from "./planted.js";
import { run, type Result, type RunSettings } from "./run.js";

const USAGE = `npm run verify -- [--seed N] [--minutes M] [--faults a,b,...] [--gateways N] [--clients N]
npm run verify -- --planted all|NAME,...    try whether planted bugs are found
bugs: ${Object.keys(PLANTED).join(" ")}
faults: ${Object.keys(FAULTS).join(" ")}; none: --faults ""`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 100_000) },
      minutes: { type: "string", default: "3" },
      faults: { type: "string", default: Object.keys(FAULTS).join(",") },
      gateways: { type: "string", default: "3" },
      clients: { type: "string", default: "24" },
      dist: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
      planted: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const settings = {
    seed: Number(values.seed),
    minutes: Number(values.minutes),
    faults: values.faults.split(",").filter((name) => name !== ""),
    gateways: Number(values.gateways),
    clients: Number(values.clients),
    dist: values.dist,
  };
  if (values.planted !== undefined) return findPlanted(values.planted, settings);
  console.log(
    `seed ${settings.seed}, ${settings.minutes} minutes, ${settings.gateways} gateways, ${settings.clients} clients`,
  );
  const result = await run(settings);
  print(result);
  if (result.violations.length > 0) return 1;
  return result.voidBecause === undefined ? 0 : 2;
}

/** 0 if each planted bug was found. */
async function findPlanted(names: string, settings: RunSettings): Promise<number> {
  let missed = 0;
  for (const name of names === "all" ? Object.keys(PLANTED) : names.split(",")) {
    const dist = await plant(name, settings.dist);
    const { faults, minutes } = PLANTED[name]!;
    const { violations } = await run({ ...settings, dist, faults, minutes });
    const rules = violations.map(({ rule, count }) => `${rule} (${count})`).join("; ");
    console.log(`${violations.length > 0 ? "found" : "MISSED"} ${name}: ${rules}`);
    if (violations.length === 0) missed++;
  }
  console.log(missed === 0 ? "VERDICT: every planted bug was found" : `VERDICT: ${missed} missed`);
  return missed === 0 ? 0 : 1;
}

function print({ violations, faults, figures, historyPath, voidBecause }: Result): void {
  for (const [name, count] of faults) console.log(`fault ${name}: ${count}`);
  for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${figure}`);
  for (const { rule, example, count } of violations) {
    console.log(`BROKEN (${count}): ${rule}\n  for example: ${example}`);
  }
  console.log(`history: ${historyPath}`);
  if (violations.length > 0) console.log("VERDICT: promises were broken");
  else if (voidBecause !== undefined) console.log(`VERDICT: void, ${voidBecause}`);
  else console.log("VERDICT: every promise was kept");
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    console.error(USAGE);
    process.exit(3);
  },
);
