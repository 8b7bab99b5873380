/**
 * What a message, a delivery and a connection cost a gateway and Redis: `npm run bench`.
 *
 *     npm run bench                              this build; CPU time, and the latency it had here
 *     npm run bench -- --against ../before/dist  that build and this one in turn, medians and ratios
 *     npm run bench -- --only private --seconds 3 --rounds 1
 *
 * Real processes: a private Redis (appendfsync everysec), one gateway, classic clients on sockets of this
 * process. CPU time is that of the processes, so it suffers least from what else the machine does. Memory of a
 * connection: idle JSON clients, after a garbage collection. Linux only.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Crowd } from "./crowd.js";
import { Idlers } from "./idlers.js";

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
  },
});
const builds = [
  ...(values.against === undefined ? [] : [resolve(values.against)]),
  resolve(import.meta.dirname, "../dist"),
];

/** `rate`: messages a second in all. `idle`: connections that say nothing. */
const scenes = [
  { name: "general, 10 listeners", listeners: 10, rate: 1_000, to: "~" },
  { name: "general, 200 listeners", listeners: 200, rate: 100, to: "~" },
  { name: "general, 1,000 listeners", listeners: 1_000, rate: 40, to: "~" },
  { name: "private, among 100", listeners: 100, rate: 1_000, to: "next" },
  { name: "idle, 2,000 connections", idle: 2_000 },
].filter(({ name }) => name.includes(values.only));

/** What builds said instead of the event `node_ready` before their log had events. */
const BEFORE_EVENTS = "node is ready";
/** In the idle scene, connections that are there before the first look: what the first ones cost once is not counted. */
const FIRST = 50;
/** Lets the gateway collect its garbage when it is asked. */
const COLLECTING = ["--expose-gc", "--import", new URL("collect.js", import.meta.url).href];

for (const scene of scenes) {
  const runs = new Map(builds.map((build) => [build, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const build of builds) runs.get(build).push(await run(build, scene));
  }
  console.log(
    `\n${scene.name}${scene.rate === undefined ? "" : `, ${scene.rate} messages a second`}`,
  );
  const medians = builds.map((build) => medianOf(runs.get(build)));
  for (const what of Object.keys(medians[0])) {
    const figures = medians.map((each) => each[what].toFixed(2).padStart(10)).join("");
    const [before, after] = medians;
    const ratio = after === undefined ? "" : `   ${(after[what] / before[what]).toFixed(2)}`;
    console.log(`  ${what.padEnd(32)}${figures}${ratio}`);
  }
}

/** One Redis and one gateway. Returns the figures. */
async function run(build, scene) {
  const { startLocalRedis } = await import(join(build, "local-redis/server.js"));
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-bench-"));
  const redis = await startLocalRedis({ dataDir });
  const gateway = await startGateway(build, redis.url, scene.idle === undefined ? [] : COLLECTING);
  try {
    return await (scene.idle === undefined ? talk(scene, gateway, redis) : sit(scene, gateway));
  } finally {
    gateway.child.kill("SIGTERM");
    await gateway.ended;
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** One crowd, some seconds; every message must arrive once at everybody it is for. */
async function talk({ listeners, rate, to }, gateway, redis) {
  const crowd = new Crowd(gateway.port, listeners);
  try {
    await crowd.join();
    const residentMb = residentKb(gateway.pid) / 1_024;
    await crowd.talk({ rate, seconds: 1, to }); // warms up
    const before = [cpuUs(gateway.pid), cpuUs(redis.child.pid)];
    const { sent, delivered, latencies } = await crowd.talk({
      rate,
      seconds: Number(values.seconds),
      to,
    });
    const [gatewayUs, redisUs] = [
      cpuUs(gateway.pid) - before[0],
      cpuUs(redis.child.pid) - before[1],
    ];
    return {
      "gateway, µs a message": gatewayUs / sent,
      "gateway, µs a delivery": gatewayUs / delivered,
      "redis, µs a message": redisUs / sent,
      // all of it: less what it was before the crowd, a smaller idle gateway would look like dearer connections
      "gateway, MB resident": residentMb,
      "latency here, ms, median": quantile(latencies, 0.5),
      "latency here, ms, 99 %": quantile(latencies, 0.99),
    };
  } finally {
    crowd.leave();
  }
}

/** Many connections that say nothing: what one of them keeps in memory. */
async function sit({ idle }, gateway) {
  const idlers = new Idlers(gateway.port);
  try {
    await idlers.join(FIRST);
    const before = await memoryOf(gateway.child);
    const beganUs = cpuUs(gateway.pid);
    await idlers.join(idle);
    const joinedUs = cpuUs(gateway.pid) - beganUs;
    const after = await memoryOf(gateway.child);
    const kbEach = (what) => (after[what] - before[what]) / 1_024 / idle;
    return {
      "gateway, µs a join": joinedUs / idle,
      "gateway, kB resident a connection": kbEach("rss"),
      "gateway, kB of heap a connection": kbEach("heapUsed"),
    };
  } finally {
    idlers.leave();
  }
}

/** What a gateway that was started with COLLECTING has in memory after a garbage collection, in bytes. */
async function memoryOf(child) {
  const answered = once(child, "message");
  child.send("collect");
  const [memory] = await answered;
  return memory;
}

async function startGateway(build, redisUrl, nodeOptions) {
  const child = spawn(process.execPath, [...nodeOptions, join(build, "main.js")], {
    env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", REDIS_URL: redisUrl },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise((ready, failed) => {
    child.once("exit", () => failed(new Error("the gateway ended before it was ready")));
    lines.on("line", (line) => {
      const { event, msg, port } = JSON.parse(line);
      if (event === "node_ready" || (event === undefined && msg === BEFORE_EVENTS)) ready(port);
    });
  });
  return { child, ended, port, pid: child.pid };
}

/** User and system time of a process, from /proc, in microseconds. */
function cpuUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function residentKb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

function medianOf(runs) {
  const what = Object.keys(runs[0]);
  return Object.fromEntries(
    what.map((key) => [
      key,
      quantile(
        runs.map((each) => each[key]),
        0.5,
      ),
    ]),
  );
}

function quantile(numbers, q) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
