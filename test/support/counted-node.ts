/** A node that counts its writes and the bytes that it allocates, and the commands that Redis gets from nodes. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nodeProcess, type NodeProcess } from "./nodes.js";
import type { TestRedis } from "./redis.js";

export interface Counts {
  /** To the sockets of clients. */
  readonly writes: number;
  /** Requests for a WebSocket, answered or not. */
  readonly upgrades: number;
  /** Garbage collections. Between two counts without one, the growth of `bytes` is what was allocated. */
  readonly collections: number;
  readonly bytes: number;
}

export interface CountedNode extends NodeProcess {
  count(): Promise<Counts>;
  /** After a garbage collection. */
  collect(): Promise<Counts>;
}

/** Room for new objects: nothing is collected while a test counts what is allocated. */
const NEW_SPACE_MB = 128;

export async function countedNode(environment: Record<string, string>): Promise<CountedNode> {
  const counting = fileURLToPath(new URL("counting.mjs", import.meta.url));
  const space = [`--min-semi-space-size=${NEW_SPACE_MB}`, `--max-semi-space-size=${NEW_SPACE_MB}`];
  const node = await nodeProcess(environment, ["--expose-gc", ...space, "--import", counting]);
  const ask = async (question: string): Promise<Counts> => {
    const answer = once(node.child, "message");
    node.child.send(question);
    return ((await answer) as [Counts])[0];
  };
  return Object.assign(node, { count: () => ask("count"), collect: () => ask("collect") });
}

/** What nodes do anyway, and what follows a client's presence: no part of what a message costs. */
const DUTIES = new Set([
  "beat",
  "elect",
  "sweep",
  "reap",
  "retire",
  "disown",
  "touch",
  "sanctions_since",
  "forgettable",
  "unregistering_users",
  "have_inboxes",
  "forget_writers",
  "forget",
]);

export interface RedisCounts {
  /** How often each function was called, without duties. */
  readonly calls: Record<string, number>;
  /** How often they ran each command of Redis. */
  readonly commands: Record<string, number>;
}

/** Counts functions and their commands until it is asked. */
export async function watchRedis(redis: TestRedis): Promise<() => Promise<RedisCounts>> {
  const calls: Record<string, number> = {};
  const commands: Record<string, number> = {};
  const end = `end-of-${Math.random()}`;
  let isCounted = false;
  let ended = (): void => {};
  // a function's commands follow it, before those of any other client
  const stop = await monitor(redis.port, ({ source, command, argument }) => {
    const name = argument.replace(/_[^_]*$/, "");
    if (source === "lua") {
      if (isCounted) commands[command] = (commands[command] ?? 0) + 1;
    } else if (command === "fcall" || command === "fcall_ro") {
      isCounted = !DUTIES.has(name);
      if (isCounted) calls[name] = (calls[name] ?? 0) + 1;
    } else {
      isCounted = false;
      if (argument === end) ended();
    }
  });
  return async () => {
    const isOver = new Promise<void>((resolve) => (ended = resolve));
    await redis.client.echo(end);
    await stop(isOver);
    return { calls, commands };
  };
}

interface MonitoredCommand {
  /** `lua` if a function ran it, else the client's address. */
  readonly source: string;
  /** In lower case. */
  readonly command: string;
  /** The first one, as Redis quotes it; empty if there is none. */
  readonly argument: string;
}

/**
 * Tells of each command that Redis runs, from when it resolves until what is returned is given a promise that
 * resolves. Without ioredis: its `monitor` fails if the answer and the first command arrive in one read.
 */
async function monitor(
  port: number,
  hear: (command: MonitoredCommand) => void,
): Promise<(until: Promise<void>) => Promise<void>> {
  const socket = connect(port, "127.0.0.1");
  const closed = once(socket, "close").then(() => {
    throw new Error("Redis has ended the connection that watches it");
  });
  const began = new Promise<void>((resolve) => {
    createInterface({ input: socket }).on("line", (line) => {
      if (line === "+OK") resolve();
      else hear(commandIn(line));
    });
  });
  socket.write("MONITOR\r\n");
  await Promise.race([began, closed]);
  return async (until) => {
    await Promise.race([until, closed]);
    socket.destroy();
  };
}

const MONITORED = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]*)"(?: "((?:[^"\\]|\\.)*)")?/;

/** `+1764187440.123456 [0 lua] "XLEN" "a key"` */
function commandIn(line: string): MonitoredCommand {
  const match = MONITORED.exec(line);
  if (match === null) throw new Error(`no line of MONITOR: ${line}`);
  const [, source, command, argument] = match;
  return { source: source!, command: command!.toLowerCase(), argument: argument ?? "" };
}
