/**
 * What a message, a delivery and a crowd cost a gateway and Redis: `npm run bench`.
 *
 *     npm run bench                              this build; CPU time, and the latency it had here
 *     npm run bench -- --against ../before/dist  that build and this one in turn, medians and ratios
 *     npm run bench -- --only private --seconds 3 --rounds 1
 *
 * Real processes: a private Redis (appendfsync everysec), one gateway, classic clients on sockets of this
 * process. CPU time is that of the processes, so it suffers least from what else the machine does. Linux only.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Crowd } from "./crowd.js";

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

/** `rate`: messages a second in all. */
const scenes = [
  { name: "general, 10 listeners", listeners: 10, rate: 1_000, to: "~" },
  { name: "general, 200 listeners", listeners: 200, rate: 100, to: "~" },
  { name: "general, 1,000 listeners", listeners: 1_000, rate: 40, to: "~" },
  { name: "private, among 100", listeners: 100, rate: 1_000, to: "next" },
].filter(({ name }) => name.includes(values.only));

for (const scene of scenes) {
  const runs = new Map(builds.map((build) => [build, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const build of builds) runs.get(build).push(await run(build, scene));
  }
  console.log(`\n${scene.name}, ${scene.rate} messages a second`);
  const medians = builds.map((build) => medianOf(runs.get(build)));
  for (const what of Object.keys(medians[0])) {
    const figures = medians.map((each) => each[what].toFixed(2).padStart(10)).join("");
    const [before, after] = medians;
    const ratio = after === undefined ? "" : `   ${(after[what] / before[what]).toFixed(2)}`;
    console.log(`  ${what.padEnd(32)}${figures}${ratio}`);
  }
}

/** One cluster, one crowd, some seconds; every message must arrive once at everybody it is for. */
async function run(build, { listeners, rate, to }) {
  const { startLocalRedis } = await import(join(build, "local-redis/server.js"));
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-bench-"));
  const redis = await startLocalRedis({ dataDir });
  const gateway = await startGateway(build, redis.url);
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
    gateway.child.kill("SIGTERM");
    await gateway.ended;
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function startGateway(build, redisUrl) {
  const child = spawn(process.execPath, [join(build, "main.js")], {
    env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", REDIS_URL: redisUrl },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((done) => child.once("exit", done));
  const port = await new Promise((ready, failed) => {
    child.once("exit", () => failed(new Error("the gateway ended before it was ready")));
    child.stdout.on("data", (lines) => {
      const found = /"port":(\d+).*"node is ready"/.exec(String(lines));
      if (found !== null) ready(Number(found[1]));
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
