/** A node that counts its writes and the bytes that it allocates, and the commands that Redis gets from nodes. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nodeProcess, type NodeProcess } from "./nodes.js";
import type { TestRedis } from "./redis.js";

export interface Counts {
  /** To the sockets of clients. */
  readonly writes: number;
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
const DUTIES = new Set(["beat", "elect", "sweep", "reap", "retire", "disown", "touch"]);

export interface RedisCounts {
  /** How often each function was called, without duties. */
  readonly calls: Record<string, number>;
  /** How often they ran each command of Redis. */
  readonly commands: Record<string, number>;
}

/** Counts functions and their commands until it is asked. */
export async function watchRedis(redis: TestRedis): Promise<() => Promise<RedisCounts>> {
  const monitor = await redis.client.duplicate().monitor();
  const calls: Record<string, number> = {};
  const commands: Record<string, number> = {};
  const end = `end-of-${Math.random()}`;
  let isCounted = false;
  let ended = (): void => {};
  // a function's commands follow it, before those of any other client
  monitor.on("monitor", (_time: string, words: string[], source: string) => {
    const command = words[0]!.toLowerCase();
    const name = (words[1] ?? "").replace(/_[^_]*$/, "");
    if (source === "lua") {
      if (isCounted) commands[command] = (commands[command] ?? 0) + 1;
    } else if (command === "fcall" || command === "fcall_ro") {
      isCounted = !DUTIES.has(name);
      if (isCounted) calls[name] = (calls[name] ?? 0) + 1;
    } else {
      isCounted = false;
      if (words[1] === end) ended();
    }
  });
  return async () => {
    const isOver = new Promise<void>((resolve) => (ended = resolve));
    await redis.client.echo(end);
    await isOver;
    monitor.disconnect();
    return { calls, commands };
  };
}
