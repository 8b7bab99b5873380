/** What an attack meets: a Redis with users and a history, and two gateways with their defaults, watched from /proc. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, createReadStream, openSync, readFileSync, readdirSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { AS_SHIPPED, freePort } from "../servers.js";
import { addresses, dial } from "./sockets.js";

const GATEWAYS = 2;
const USERS = 2_000;
/** Where the users of the seed come from, so that no limit for an address stops them. */
const [SEED_FROM, SEED_ADDRESSES] = ["127.7.0.1", 1_000];
const SEEDS_AT_ONCE = 32;
const SEED_WITHIN_MS = 30_000;
const LONG_TEXTS = 255;
const WRITERS = 5;
/** Between questions to `/readyz`, and how long one is waited for. */
const ASK_EVERY_MS = 250;
const CLOCK_TICKS = 100;
/** Lines that tell of a bug, or of a process that is ending. */
const BUGS = new Set(["request_failed", "session_broken", "uncaught_error"]);

const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Fills a folder for Redis: USERS names, and a general history of long texts. Returns how many of each it has. */
export async function seed(build, startRedis, folder, extra) {
  const world = await open(build, startRedis, join(folder, "redis"), extra);
  const users = await register(world.ports);
  const texts = await write(world.ports);
  await world.close();
  return { users, texts };
}

/** Begins with a copy of the seed. */
export async function openCopy(build, startRedis, folder, extra) {
  const own = await mkdtemp(join(tmpdir(), "tertulia-hostile-"));
  await cp(join(folder, "redis"), join(own, "redis"), { recursive: true });
  const world = await open(build, startRedis, join(own, "redis"), extra);
  return {
    ...world,
    async close() {
      await world.close();
      await rm(own, { recursive: true, force: true });
    },
  };
}

/** A Redis in this folder, and two gateways. */
export async function open(build, startRedis, dataDir, { options = [], environment = {} } = {}) {
  const redis = await startRedis({ dataDir });
  const gateways = [];
  for (let i = 0; i < GATEWAYS; i++) {
    gateways.push(await gateway(build, redis.url, `${dataDir}.${i}.log`, options, environment));
  }
  const pids = gateways.map(({ child }) => child.pid);
  return {
    ports: gateways.map(({ port }) => port),
    memory: () => Math.max(...pids.map(residentBytes)),
    cpu: () => ({ gateways: pids.map(cpuSeconds), redis: cpuSeconds(redis.child.pid) }),
    areAlive: () =>
      gateways.every(({ child }) => child.exitCode === null && child.signalCode === null),
    watchReadiness: () => watchReadiness(gateways),
    figures: () => figures(gateways, redis.url),
    bugs: async () => (await Promise.all(gateways.map(bugsOf))).flat(),
    async close() {
      await Promise.all(gateways.map(stop));
      await redis.close();
    },
  };
}

async function gateway(build, redisUrl, logFile, options, environment) {
  const log = openSync(logFile, "w");
  const metricsPort = await freePort();
  const child = spawn(process.execPath, [...AS_SHIPPED, ...options, join(build, "main.js")], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: "0",
      HOST: "127.0.0.1",
      METRICS_PORT: `${metricsPort}`,
      REDIS_URL: redisUrl,
      ...environment,
    },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  children.add(child);
  for (;;) {
    const line = (await readFile(logFile, "utf8"))
      .split("\n")
      .find((each) => each.includes('"node_ready"'));
    if (line !== undefined) return { child, port: JSON.parse(line).port, metricsPort, logFile };
    if (child.exitCode !== null) throw new Error(await readFile(logFile, "utf8"));
    await pause(20);
  }
}

async function stop({ child }) {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(timer);
  }
  children.delete(child);
}

/** Names that are known and away. */
async function register(ports) {
  const from = addresses(SEED_FROM, SEED_ADDRESSES);
  const counts = { opened: 0, refused: 0, ended: 0, receivedBytes: 0, answers: {} };
  const until = performance.now() + SEED_WITHIN_MS;
  let next = 0;
  const worker = async () => {
    while (next < USERS && performance.now() < until) {
      const i = next++;
      const port = ports[i % ports.length];
      const target = `/?name=seed-${i}`;
      const socket = await dial({ port, from: from[i % from.length], target }, counts);
      socket?.destroy();
      if (socket === undefined) await pause(50);
    }
  };
  await Promise.all(Array.from({ length: SEEDS_AT_ONCE }, worker));
  return counts.opened;
}

/** Texts of 16 kB for everybody, at the pace that is allowed. */
async function write(ports) {
  const text = "\u{1F4A3}".repeat(4_096);
  let stored = 0;
  let next = 0;
  const writer = async (i) => {
    const socket = new WebSocket(
      `ws://127.0.0.1:${ports[0]}/ws?name=writer${i}`,
      "tertulia.v1.json",
      {
        localAddress: `127.7.9.${i + 1}`,
        perMessageDeflate: false,
      },
    );
    await once(socket, "open");
    while (next++ < LONG_TEXTS) {
      const id = next;
      socket.send(JSON.stringify({ type: "publish", id, text }));
      const answer = await new Promise((resolve) => {
        const heard = (data) => {
          const said = JSON.parse(data.toString());
          if (said.id !== id) return;
          socket.off("message", heard);
          resolve(said);
        };
        socket.on("message", heard);
      });
      if (answer.type === "ok") stored++;
      else await pause(answer.retryAfterMs ?? 100);
      await pause(50);
    }
    socket.close();
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i)));
  return stored;
}

/** Asks all the time whether each gateway is ready. `stop` returns the share of questions with a good answer. */
function watchReadiness(gateways) {
  const asked = { good: 0, all: 0 };
  const timer = setInterval(() => {
    for (const { port } of gateways) {
      asked.all++;
      get(
        { port, path: "/readyz", agent: false, timeout: 2_000, localAddress: "127.0.0.2" },
        (answer) => {
          answer.resume();
          if (answer.statusCode === 200) asked.good++;
        },
      ).on("error", () => {});
    }
  }, ASK_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await pause(500);
    return asked.all === 0 ? 1 : asked.good / asked.all;
  };
}

/** Lines of the log that tell of a bug. */
async function bugsOf({ logFile }) {
  const bugs = [];
  for await (const line of createInterface({ input: createReadStream(logFile) })) {
    if (!line.startsWith("{")) {
      if (line.trim() !== "") bugs.push(line);
      continue;
    }
    const event = /"event":"(\w+)"/.exec(line)?.[1];
    if (BUGS.has(event)) bugs.push(line);
  }
  return bugs;
}

/** Bytes and numbers: those of the gateways are of both together. */
async function figures(gateways, redisUrl) {
  const texts = await Promise.all(
    gateways.map(({ metricsPort }) =>
      fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) => answer.text()),
    ),
  );
  const sum = (of) => gateways.reduce((all, gateway, i) => all + of(gateway, texts[i]), 0);
  const redis = new Redis(redisUrl);
  const memory = /used_memory:(\d+)/.exec(await redis.info("memory"))[1];
  const keys = await redis.dbsize();
  redis.disconnect();
  return {
    heapBytes: sum((_, text) =>
      Number(/^tertulia_nodejs_heap_size_used_bytes (\S+)/m.exec(text)[1]),
    ),
    residentBytes: sum(({ child }) => residentBytes(child.pid)),
    descriptors: sum(({ child }) => readdirSync(`/proc/${child.pid}/fd`).length),
    redisBytes: Number(memory),
    redisKeys: keys,
  };
}

function residentBytes(pid) {
  try {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
  } catch {
    return 0;
  }
}
