/** One run: a Redis, the nodes of one server, one load. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { stop } from "./servers.js";

const NODES = 2;
/** Compiled code, grown tables: so many deliveries before a measurement. */
const WARM_DELIVERIES = 80_000;
/** A step of a ramp. */
const STEP_SECONDS = 3;
/** Before the memory of idle connections is looked at. */
const IDLE_SECONDS = 3;

/**
 * The figures, or `{ isVoid: true, why }` if a message was lost, repeated or overtaken, or a connection ended.
 * CPU is that of all nodes and of Redis, in µs for a delivery; `redisUs` is Redis' part.
 */
export async function run(server, scene, { load, startRedis, seconds }) {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-bench-"));
  const redis = await startRedis({ dataDir });
  const nodes = [];
  try {
    for (let i = 0; i < (server.nodes ?? scene.nodes ?? NODES); i++) {
      nodes.push(await server.start(redis.url));
    }
    const pids = [redis.child.pid, ...nodes.map(({ child }) => child.pid)];
    const targets = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const options = { ...loadOptions(scene, seconds), dialect: server.dialect };
    return figuresOf(await generate(load, { ...options, targets, pids }));
  } finally {
    await Promise.all(nodes.map(stop));
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** What storing a message costs Redis: redis-append.js. `times`: over a script of XADD, HSET and PUBLISH. */
export async function appendCosts(rounds) {
  const program = join(import.meta.dirname, "redis-append.js");
  const args = [program, "--json", "--rounds", `${rounds}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function loadOptions({ users, mode = "all", rate, warmRate, rampFrom }, seconds) {
  if (mode === "idle") return { users, mode, seconds: IDLE_SECONDS };
  if (rampFrom !== undefined) {
    const warm = { "warm-rate": rampFrom, "warm-deliveries": WARM_DELIVERIES };
    return { users, mode, ...warm, "ramp-from": rampFrom, seconds: STEP_SECONDS };
  }
  const warm = { "warm-rate": warmRate ?? rate, "warm-deliveries": WARM_DELIVERIES };
  return { users, mode, rate, ...warm, seconds };
}

async function generate(load, options) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const child = spawn(load, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [said, complained] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  try {
    return JSON.parse(said);
  } catch {
    const complaint = complained.trim().split("\n").at(-1);
    return { failed: complaint || `the load has said ${said.trim() || "nothing"}` };
  }
}

function figuresOf(said) {
  if (said.failed !== undefined) return { isVoid: true, why: said.failed };
  const { lost, repeated, dead } = said;
  if (lost !== 0 || repeated !== 0 || dead !== 0) {
    return { isVoid: true, why: `${lost} lost, ${repeated} repeated, ${dead} connections ended` };
  }
  const { cpuUsOf, ...figures } = said;
  return { isVoid: false, ...figures, redisUs: cpuUsOf?.[0] };
}
