/**
 * What honest clients feel while somebody attacks: `npm run hostile`.
 *
 *     npm run hostile                                   all attacks, one after the other, some eight minutes
 *     npm run hostile -- --only empty-frames,lists-30   these
 *     npm run hostile -- --list                         their names
 *     npm run hostile -- --dist ../before/dist          another build
 *     npm run hostile -- --seed /tmp/seed               fills this folder once, and uses it again
 *     npm run hostile -- --seconds 12 --addresses 30    longer; an attacker with so many addresses
 *
 * Each attack meets a Redis with 2,000 users and a long history, two gateways with their defaults, and twenty honest
 * clients in all dialects. Attacker and honest clients are processes of their own, and come from other addresses. Two
 * cores are shared by all of them: the attacker has the lower priority. Linux only.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { attacks } from "./hostile/attacks.js";
import { openCopy, seed } from "./hostile/world.js";

const HERE = import.meta.dirname;
/** Honest p99 during an attack may be so many times that before it. */
const BOUND = 1.3;
/** A p99 below one window of a gateway's writes is chance: it counts as one window. */
const WINDOW_MS = 16;
const WARM_MS = 2_000;
/** After an attack, what honest clients said meanwhile has so long to arrive. */
const GRACE_MS = 3_000;
const PREPARE_WITHIN_MS = 30_000;
const SAMPLE_EVERY_MS = 100;

const { values } = parseArgs({
  options: {
    addresses: { type: "string", default: "1" },
    dist: { type: "string", default: join(HERE, "../dist") },
    from: { type: "string", default: "127.0.9.1" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    "node-option": { type: "string", multiple: true, default: [] },
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "6" },
    seed: { type: "string" },
  },
});
if (values.list) {
  for (const { name, title } of attacks) console.log(`${name.padEnd(16)} ${title}`);
  process.exit();
}
const only = values.only.split(",").filter((name) => name !== "");
const unknown = only.find((name) => !attacks.some((each) => each.name === name));
if (unknown !== undefined) {
  console.error(`--only does not know "${unknown}": --list tells the names`);
  process.exit(2);
}
const build = resolve(values.dist);
const seconds = Number(values.seconds);
const extra = { options: values["node-option"] };
const { startLocalRedis } = await import(join(build, "local-redis/server.js"));

const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

const folder =
  values.seed === undefined
    ? await mkdtemp(join(tmpdir(), "tertulia-hostile-"))
    : resolve(values.seed);
const isSeeded = existsSync(join(folder, "redis"));
const filled = isSeeded ? undefined : await seed(build, startLocalRedis, folder, extra);
console.log(
  `${build}, ${seconds} s each; ${filled === undefined ? `data of ${folder}` : `${filled.users} users, ${filled.texts} long texts`}`,
);
console.log(heading());
const rows = [];
try {
  for (const attack of attacks) {
    if (only.length > 0 && !only.includes(attack.name)) continue;
    const row = await measure(attack).catch((error) => ({
      name: attack.name,
      failed: String(error),
    }));
    rows.push(row);
    console.log(line(row));
  }
} finally {
  if (values.seed === undefined) await rm(folder, { recursive: true, force: true });
}
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(rows, undefined, 2));
process.exit();

async function measure(attack) {
  const place = await openCopy(build, startLocalRedis, folder, extra);
  const honest = child("honest.js", [attack.hasSlowReader ? "slow" : "none", ...place.ports]);
  let crowd, attacker;
  try {
    await heard(honest, (said) => said === "connected");
    if (attack.crowd !== undefined) crowd = await gather(attack.crowd, place.ports);
    const from = [attack.name, values.from, values.addresses];
    attacker = child("attacker.js", [...from, ...place.ports]);
    let counts = {};
    attacker.on("message", (said) => (counts = said.counts ?? counts));
    const isPrepared = await heard(attacker, (said) => said === "ready", PREPARE_WITHIN_MS);

    honest.send({ phase: "warm" });
    await pause(WARM_MS);
    const memoryBefore = place.memory();
    honest.send({ phase: "before" });
    await pause(seconds * 1_000);

    let peak = memoryBefore;
    const sampler = setInterval(() => (peak = Math.max(peak, place.memory())), SAMPLE_EVERY_MS);
    const readiness = place.watchReadiness();
    const cpuBefore = place.cpu();
    honest.send({ phase: "during" });
    if (isPrepared) attacker.send("go");
    await pause(seconds * 1_000);
    const cpu = spent(cpuBefore, place.cpu());
    end(attacker);

    honest.send({ phase: "after" });
    await pause(GRACE_MS);
    clearInterval(sampler);
    const ready = await readiness();
    const report = heard(honest, (said) => said.before !== undefined);
    honest.send({ phase: "end" });
    const { before, during, ended, errors, isSlowReaderCut } = await report;
    const isAlive = place.areAlive();
    const bugs = await place.bugs();
    return {
      name: attack.name,
      before,
      during,
      ended: ended + (isSlowReaderCut ? 1 : 0),
      errors,
      ready,
      isAlive,
      memoryBefore,
      memoryPeak: peak,
      cpu,
      counts: isPrepared ? counts : { ...counts, unprepared: true },
      bugs: { count: bugs.length, first: bugs[0] },
    };
  } finally {
    for (const each of [honest, crowd, attacker]) end(each);
    await place.close();
  }
}

/** A crowd that is connected and says nothing. */
async function gather(count, ports) {
  const crowd = child("crowd.js", [count, ...ports]);
  await heard(crowd, (said) => said === "ready", PREPARE_WITHIN_MS);
  return crowd;
}

function child(file, args) {
  const started = fork(join(HERE, "hostile", file), args.map(String));
  children.add(started);
  started.once("exit", () => children.delete(started));
  return started;
}

function end(started) {
  started?.kill("SIGKILL");
}

/** Resolves with what it says. After `withinMs`, with undefined. @throws Error if it ends before. */
async function heard(from, isWanted, withinMs = 60_000) {
  const signal = AbortSignal.timeout(withinMs);
  const wanted = (async () => {
    for (;;) {
      const [said] = await once(from, "message", { signal });
      if (isWanted(said)) return said;
    }
  })();
  const ended = once(from, "exit", { signal }).then(() => {
    throw new Error(`${from.spawnargs[1]} ended`);
  });
  ended.catch(() => {});
  return Promise.race([wanted, ended]).catch((error) => {
    if (error.name === "AbortError") return undefined;
    throw error;
  });
}

function spent(before, after) {
  const share = (from, to) => Math.round(((to - from) / seconds) * 100);
  return {
    gateways: before.gateways.map((from, i) => share(from, after.gateways[i])),
    redis: share(before.redis, after.redis),
  };
}

function isGood({ before, during, ended, ready, isAlive, bugs }) {
  const isFast = during.p99 <= Math.max(before.p99, WINDOW_MS) * BOUND;
  return (
    isFast && during.missing === 0 && ended === 0 && ready === 1 && isAlive && bugs.count === 0
  );
}

function heading() {
  return columns([
    "attack",
    "p50",
    "p99 before → during",
    "×",
    "missing",
    "ended",
    "ready",
    "RSS",
    "CPU % (gateways, Redis)",
    "attacker: frames, opened, refused",
    "",
  ]);
}

function line(row) {
  if (row.failed !== undefined) return `${row.name}: ${row.failed}`;
  const {
    name,
    before,
    during,
    ended,
    ready,
    isAlive,
    memoryBefore,
    memoryPeak,
    cpu,
    counts,
    bugs,
  } = row;
  const ms = (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
  const mb = (bytes) => Math.round(bytes / 1_048_576);
  return columns([
    name,
    `${ms(before.p50)} → ${ms(during.p50)}`,
    `${ms(before.p99)} → ${ms(during.p99)} ms`,
    (during.p99 / before.p99).toFixed(2),
    `${during.missing} of ${during.messages}`,
    ended,
    isAlive ? `${Math.round(ready * 100)} %` : "DEAD",
    `${mb(memoryBefore)} → ${mb(memoryPeak)} MB`,
    `${cpu.gateways.join(" ")}, ${cpu.redis}`,
    `${counts.frames ?? 0}, ${counts.opened ?? 0}, ${counts.refused ?? 0}${counts.unprepared ? " (not prepared)" : ""}`,
    isGood(row)
      ? "good"
      : `NOT GOOD${bugs.count > 0 ? ` (${bugs.count} bugs: ${bugs.first.slice(0, 200)})` : ""}`,
  ]);
}

function columns(cells) {
  const widths = [15, 12, 24, 6, 10, 5, 6, 16, 23, 32, 0];
  return cells
    .map((cell, i) => `${cell}`.padEnd(widths[i]))
    .join("  ")
    .trimEnd();
}
