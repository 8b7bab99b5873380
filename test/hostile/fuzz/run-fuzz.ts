/** Plays dialogues against a gateway in this process, many at once, and sees that it stays whole. */
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readConfig } from "#tertulia/config.js";
import { startNode } from "#tertulia/node.js";
import { observe } from "#tertulia/observe.js";
import { ClassicClient } from "../../support/classic-client.js";
import { eventually } from "../../support/eventually.js";
import type { LogLine } from "../../support/nodes.js";
import { CLOSE_FRAME } from "../../support/raw-socket.js";
import { startRedis } from "../../support/redis.js";
import { samplesOf } from "../../support/samples.js";
import { dialogueOf, type Dialogue } from "./dialogue.js";

export interface FuzzResult {
  /** Frames and heads that were sent, on so many connections. */
  readonly inputs: number;
  readonly connections: number;
  /** Frames that reached a dialect. */
  readonly received: number;
  /** Lines of the log that tell of a bug, and errors that nobody caught. The first one ends the run. */
  readonly bugs: readonly string[];
  /** In this process, after a part of the inputs and after all, when nobody was connected. */
  readonly first: Footprint;
  readonly last: Footprint;
}

export interface Footprint {
  readonly heapBytes: number;
  readonly descriptors: number;
}

export interface FuzzWish {
  readonly seed: number;
  /** Both are reached. */
  readonly inputs: number;
  readonly ms: number;
  readonly onProgress?: (said: string) => void;
}

const AT_ONCE = 192;
const ENDS_WITHIN_MS = 4_000;
/** Before the first look: code is compiled, tables have their size, most names were used. */
const WARM_SHARE = 0.4;
/** Closing sockets of the test itself. */
const SPARE_DESCRIPTORS = 5;
const TELL_EVERY = 500;
const ERROR = 50;
const BUGS = new Set(["request_failed", "session_broken", "upgrade_failed"]);
/** The fuzz shall reach the dialects as fast as it can. */
const UNLIMITED = { REQUESTS_PER_SECOND: "100000", ADDRESS_REQUESTS_PER_SECOND: "0" };

export async function runFuzz(wish: FuzzWish): Promise<FuzzResult> {
  const { seed, inputs: wanted, ms, onProgress } = wish;
  const bugs: string[] = [];
  const uncaught = (error: unknown): void => void bugs.push(`nobody caught ${String(error)}`);
  process.on("uncaughtException", uncaught).on("unhandledRejection", uncaught);
  const redis = await startRedis();
  const watch = observe("info", "fuzz", { write: (line) => rememberBug(line, bugs) });
  const environment = { PORT: "0", HOST: "127.0.0.1", REDIS_URL: redis.url, ...UNLIMITED };
  const gateway = await startNode({ ...readConfig(environment), REDIS_URL: redis.url }, watch);
  const honest = await ClassicClient.connect(gateway.port, "honest");
  const began = performance.now();
  let [inputs, connections] = [0, 0];
  const isDone = (share: number): boolean =>
    bugs.length > 0 || (inputs >= wanted * share && performance.now() - began >= ms * share);
  const playUntil = async (share: number): Promise<void> => {
    const some = async (i: number): Promise<void> => {
      while (!isDone(share)) {
        const dialogue = dialogueOf(seed, connections++);
        inputs += dialogue.frames.length + 1;
        if (connections % TELL_EVERY === 0)
          onProgress?.(`${connections} connections, ${inputs} inputs`);
        await play(gateway.port, `127.0.30.${i + 1}`, dialogue);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => some(i)));
    await honest.settles(); // somebody else is served
  };
  try {
    const before = descriptors();
    await playUntil(WARM_SHARE);
    const first = await footprint(before);
    await playUntil(1);
    const last = await footprint(before);
    const samples = await samplesOf(watch.counters, "frames_received_total");
    const received = samples.reduce((sum, { value }) => sum + value, 0);
    return { inputs, connections, received, bugs, first, last };
  } finally {
    process.off("uncaughtException", uncaught).off("unhandledRejection", uncaught);
    honest.vanish();
    await gateway.close(AbortSignal.abort());
    await redis.close();
  }
}

async function play(port: number, localAddress: string, dialogue: Dialogue): Promise<void> {
  const { head, frames, ending, isSplit } = dialogue;
  const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true });
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const timer = setTimeout(() => socket.destroy(), ENDS_WITHIN_MS);
  if (!isSplit) socket.write(Buffer.concat([head, ...frames]));
  else for (const part of [head, ...frames]) await written(socket, part);
  switch (ending) {
    case "close frame":
      socket.write(CLOSE_FRAME);
      break;
    case "FIN":
      socket.end();
      break;
    case "RST":
      await written(socket, Buffer.alloc(0));
      socket.resetAndDestroy();
      break;
    case "vanishes":
      setImmediate(() => socket.destroy());
      break;
    default:
      ending satisfies never;
  }
  await closed;
  clearTimeout(timer);
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(bytes, () => setImmediate(resolve));
  });
}

function rememberBug(line: string, bugs: string[]): void {
  const { level, event } = JSON.parse(line) as LogLine;
  if (level >= ERROR || BUGS.has(String(event))) bugs.push(line.trim());
}

/** When the connections that were there before are all that is there. */
async function footprint(before: number): Promise<Footprint> {
  return eventually(async () => {
    const open = descriptors();
    if (open > before + SPARE_DESCRIPTORS) throw new Error(`${open} descriptors are open`);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { heapBytes: process.memoryUsage().heapUsed, descriptors: open };
  });
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
