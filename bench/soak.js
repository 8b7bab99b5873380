/**
 * Whether anything grows while a cluster is used: `npm run soak`.
 *
 *     npm run soak                      ten minutes
 *     npm run soak -- --minutes 60      an hour
 *     npm run soak -- --no-attacks      without attacks
 *     npm run soak -- --json FILE       writes each minute's figures
 *
 * Two gateways and a Redis; twenty clients talk, others come and go, some read nothing, and each two minutes somebody
 * attacks for ten seconds. The gateways collect their garbage each twenty seconds (hostile/collect.js), and of each
 * minute the least of each figure counts, so that neither garbage nor an attack does. The slope is the median of those
 * between any two minutes of the second half. Redis remembers a message's id for a quarter of an hour, so its slope
 * tells something only if the first half is longer than that. Linux only.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { open } from "./hostile/world.js";

const HERE = import.meta.dirname;
const MINUTE = 60_000;
const SAMPLE_EVERY_MS = 5_000;
const ATTACK_EVERY_MS = 2 * MINUTE;
const ATTACK_MS = 10_000;
/** What was said last has so long to arrive. */
const GRACE_MS = 5_000;
/** A line through fewer minutes says nothing. */
const LEAST_MINUTES = 3;
/** Those that leave no new names behind: names are kept. */
const ATTACKS =
  "empty-frames unknown-ops lists-30 lookups-30 history-40 history-json http-pipelined http-asks bursts nameless fragments status-flips typing private-json publish-bytes one-name pings half-open".split(
    " ",
  );
const MEGABYTE = 1_048_576;
/** Per minute, of both gateways together; what does not grow at all has slopes around zero, below and above. */
const BOUNDS = [
  { figure: "heapBytes", title: "heap", unit: MEGABYTE, bound: 0.5, name: "MB" },
  { figure: "residentBytes", title: "resident memory", unit: MEGABYTE, bound: 1, name: "MB" },
  { figure: "descriptors", title: "descriptors", unit: 1, bound: 0.2, name: "" },
  { figure: "redisBytes", title: "memory of Redis", unit: MEGABYTE, bound: 0.1, name: "MB" },
  { figure: "redisKeys", title: "keys of Redis", unit: 1, bound: 1, name: "" },
];
/** So that histories are full before the second half begins. */
const ENVIRONMENT = { HISTORY_KEEP: "200" };

const { values } = parseArgs({
  options: {
    attacks: { type: "boolean", default: true },
    dist: { type: "string", default: join(HERE, "../dist") },
    json: { type: "string" },
    minutes: { type: "string", default: "10" },
  },
  allowNegative: true,
});
const build = resolve(values.dist);
const { startLocalRedis } = await import(join(build, "local-redis/server.js"));

const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
const folder = await mkdtemp(join(tmpdir(), "tertulia-soak-"));
const world = await open(build, startLocalRedis, join(folder, "redis"), {
  environment: ENVIRONMENT,
  options: ["--import", join(HERE, "hostile/collect.js")],
});
const honest = child("honest.js", ["none", ...world.ports]);
await once(honest, "message");
const roamers = child("roamers.js", world.ports);
let came = 0;
roamers.on("message", ({ counts }) => (came = counts.opened));
honest.send({ phase: "during" });

const minutes = [];
const began = performance.now();
const until = began + Number(values.minutes) * MINUTE;
let attacked = 0;
if (values.attacks)
  setInterval(() => void attack(ATTACKS[attacked++ % ATTACKS.length]), ATTACK_EVERY_MS);
while (performance.now() < until && world.areAlive()) {
  const samples = [];
  const end = performance.now() + MINUTE;
  while (performance.now() < end) {
    await pause(SAMPLE_EVERY_MS);
    const sample = await world.figures().catch((error) => console.log(`no figures: ${error}`));
    if (sample !== undefined) samples.push(sample);
  }
  const least = Object.fromEntries(
    BOUNDS.map(({ figure }) => [figure, Math.min(...samples.map((sample) => sample[figure]))]),
  );
  minutes.push(least);
  console.log(minuteLine(least));
}

honest.send({ phase: "after" });
await pause(GRACE_MS);
const report = once(honest, "message");
honest.send({ phase: "end" });
const [{ during, ended }] = await report;
const bugs = await world.bugs();
const half = minutes.slice(Math.floor(minutes.length / 2));
console.log(`\n${minutes.length} minutes; ${came} came and went, ${attacked} attacks`);
let isGood = true;
for (const { figure, title, unit, bound, name } of BOUNDS) {
  const slope = slopeOf(half.map((minute) => minute[figure] / unit));
  if (slope > bound) isGood = false;
  const verdict =
    half.length < LEAST_MINUTES ? "too short to tell" : slope <= bound ? "flat" : "GROWS";
  console.log(
    `${title.padEnd(16)} ${slope.toFixed(3).padStart(8)} ${name} a minute, at most ${bound}: ${verdict}`,
  );
}
const isWhole = during.missing === 0 && ended === 0 && bugs.length === 0 && world.areAlive();
console.log(
  `honest clients: ${during.missing} of ${during.messages} messages missing, ${ended} connections ended, p99 ${Math.round(during.p99)} ms`,
);
console.log(
  `bugs in the logs: ${bugs.length}${bugs.length > 0 ? `, the first: ${bugs[0].slice(0, 300)}` : ""}`,
);
console.log(isGood && isWhole ? "good" : "NOT GOOD");
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(minutes));
for (const each of children) each.kill("SIGKILL");
await world.close();
await rm(folder, { recursive: true, force: true });
process.exit(isGood && isWhole ? 0 : 1);

async function attack(name) {
  const attacker = child("attacker.js", [name, "127.0.9.1", 1, ...world.ports]);
  attacker.on("message", (said) => {
    if (said === "ready") attacker.send("go");
  });
  await pause(ATTACK_MS);
  attacker.kill("SIGKILL");
}

function child(file, args) {
  const started = fork(join(HERE, "hostile", file), args.map(String));
  children.add(started);
  started.once("exit", () => children.delete(started));
  return started;
}

function minuteLine(least) {
  const cells = BOUNDS.map(({ figure, title, unit, name }) =>
    `${title} ${Math.round(least[figure] / unit)} ${name}`.trim(),
  );
  return `${`${minutes.length}`.padStart(3)} min: ${cells.join(", ")}`;
}

/** The median of the slopes between any two of these, one a minute (Theil–Sen): one bad minute does not count. */
function slopeOf(values) {
  const slopes = values.flatMap((from, i) =>
    values.slice(i + 1).map((to, k) => (to - from) / (k + 1)),
  );
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
}
