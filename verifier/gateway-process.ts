/** A gateway of the run: a process with proxies to its clients and to Redis. */
import { spawn, type ChildProcess } from "node:child_process";
import { eventOf, type LogLine } from "./gateway-log.js";
import { lineBefore03 } from "./logs-before-0.3.js";
import type { Proxy } from "./proxy.js";
import type { RedisEdge } from "./redis-side.js";

export interface GatewayPlace {
  readonly index: number;
  readonly port: number;
  readonly toRedis: RedisEdge;
  readonly toClients: Proxy;
  /** The `main.js` of each release; each start takes the next one. */
  readonly mains: readonly string[];
  /** In addition to what every run sets. */
  readonly environment: Readonly<Record<string, string>>;
}

const WRONG_CLOCK = new URL("wrong-clock.js", import.meta.url).href;

export class GatewayProcess {
  readonly index: number;
  readonly port: number;
  readonly toRedis: RedisEdge;
  readonly toClients: Proxy;
  readonly #place: GatewayPlace;
  readonly #onLog: (line: LogLine) => void;
  #child: ChildProcess | undefined;
  /** Which of `mains` is next; neighbours begin with different ones. */
  #turn: number;
  #exited: Promise<unknown> = Promise.resolve();
  /** Of its current term. */
  token: string | undefined;

  constructor(place: GatewayPlace, onLog: (line: LogLine) => void) {
    this.index = place.index;
    this.port = place.port;
    this.toRedis = place.toRedis;
    this.toClients = place.toClients;
    this.#place = place;
    this.#turn = place.index;
    this.#onLog = onLog;
  }

  /** Whether it runs the release that is judged, not the one beside it. */
  get isJudged(): boolean {
    return (this.#turn - 1) % this.#place.mains.length === 0;
  }

  /** `clockOffsetMs`: its wall clock is wrong by this, every other second. */
  start(clockOffsetMs = 0): void {
    const imported = clockOffsetMs === 0 ? "" : ` --import ${WRONG_CLOCK}`;
    const env = {
      PATH: process.env["PATH"],
      HOST: "127.0.0.1",
      PORT: String(this.port),
      REDIS_URL: this.toRedis.url,
      NODE_NAME: `gateway-${this.index}`,
      HISTORY_KEEP: "1000000",
      CLASSIC_REPLY_MAX_BYTES: "65536",
      ...this.#place.environment,
      NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""}${imported}`,
      VERIFY_CLOCK_OFFSET_MS: String(clockOffsetMs),
    };
    const { mains } = this.#place;
    const child = spawn(process.execPath, [mains[this.#turn++ % mains.length]!], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    const read = this.isJudged ? (line: LogLine) => line : lineBefore03;
    this.#exited = new Promise((resolve) => child.once("exit", resolve));
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#read(read(JSON.parse(line) as LogLine));
    });
  }

  /** Sends a signal. If the signal ends the process, waits until it has ended. */
  async signal(name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    this.#child?.kill(name);
    if (name === "SIGSTOP" || name === "SIGCONT") return;
    this.token = undefined;
    await this.#exited;
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`, {
        signal: AbortSignal.timeout(1_000),
      });
      return answer.status === 200;
    } catch {
      return false; // not listening, or frozen
    }
  }

  #read(line: LogLine): void {
    const event = eventOf(line);
    if (event === "leading_began") this.token = line.token;
    if (event === "leading_stopped") this.token = undefined;
    this.#onLog(line);
  }
}
