/** Nodes for tests: in this process, or as processes of their own that can be killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readConfig } from "#tertulia/config.js";
import { startNode, type Node } from "#tertulia/node.js";
import { observe, type Counters } from "#tertulia/observe.js";

type Environment = Record<string, string | number>;

/** A node in this process, on a free port of the loopback, silent; `log` collects its lines. */
export async function node(
  redisUrl: string,
  environment: Environment = {},
): Promise<Node & { readonly counters: Counters; readonly log: LogLine[] }> {
  const config = readConfig(
    strings({ PORT: 0, HOST: "127.0.0.1", REDIS_URL: redisUrl, ...environment }),
  );
  const log: LogLine[] = [];
  const watch = observe("debug", "test", {
    write: (line) => void log.push(JSON.parse(line) as LogLine),
  });
  const started = await startNode({ ...config, REDIS_URL: redisUrl }, watch);
  const close = started.close.bind(started);
  return Object.assign(started, {
    counters: watch.counters,
    log,
    /** At once: who wants to see the node wait gives a signal that waits. */
    close: (hurry: AbortSignal = AbortSignal.abort()) => close(hurry),
  });
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface NodeProcess {
  readonly port: number;
  readonly child: ChildProcess;
  readonly log: LogLine[];
  readonly isLeading: boolean;
  /** Of its last term, if it ever led. */
  readonly token: string;
  /** Resolves with the exit code. */
  close(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A node in a process of its own, running what ships. `options`: Node.js' own. */
export async function nodeProcess(
  environment: Environment,
  options: readonly string[] = [],
): Promise<NodeProcess> {
  const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
  const child = spawn(process.execPath, [...options, main], {
    env: strings({ PATH: process.env["PATH"] ?? "", PORT: 0, HOST: "127.0.0.1", ...environment }),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const log: LogLine[] = [];
  let errors = "";
  child.stderr!.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const port = await new Promise<number>((resolve, reject) => {
    let rest = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const entry = JSON.parse(line) as LogLine;
        log.push(entry);
        if (entry["event"] === "node_ready") resolve(Number(entry["port"]));
      }
    });
    child.once("exit", () => reject(new Error(`the node ended before it was ready: ${errors}`)));
  });
  return {
    port,
    child,
    log,
    get isLeading() {
      const last = log.findLast(
        ({ event }) => event === "leading_began" || event === "leading_stopped",
      );
      return last?.["event"] === "leading_began";
    },
    get token() {
      return (log.findLast(({ event }) => event === "leading_began")?.["token"] as string) ?? "";
    },
    close(signal = "SIGTERM") {
      child.kill(signal);
      return exited;
    },
  };
}

function strings(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, String(value)]),
  );
}
