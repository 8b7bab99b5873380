/** The system under test: a real Redis, real gateway processes, and a proxy on every edge. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { freePort, startLocalRedis, type LocalRedis } from "../local-redis/server.js";
import { Proxy } from "./proxy.js";

export interface ClusterSettings {
  readonly gateways: number;
  /** The folder of the built project whose `main.js` is run. */
  readonly dist: string;
  /** For the append-only file. */
  readonly dataDir: string;
}

interface LogLine {
  readonly msg: string;
  readonly token?: string;
}

export class Gateway {
  readonly index: number;
  readonly port: number;
  readonly toRedis: Proxy;
  readonly toClients: Proxy;
  readonly #main: string;
  readonly #onLog: (line: LogLine) => void;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** Of its current term. */
  token: string | undefined;

  constructor(
    place: { index: number; port: number; toRedis: Proxy; toClients: Proxy },
    main: string,
    onLog: (line: LogLine) => void,
  ) {
    this.index = place.index;
    this.port = place.port;
    this.toRedis = place.toRedis;
    this.toClients = place.toClients;
    this.#main = main;
    this.#onLog = onLog;
  }

  start(): void {
    const env = {
      PATH: process.env["PATH"],
      NODE_OPTIONS: process.env["NODE_OPTIONS"] ?? "",
      HOST: "127.0.0.1",
      PORT: String(this.port),
      REDIS_URL: this.toRedis.url,
      NODE_NAME: `gateway-${this.index}`,
      HISTORY_KEEP: "1000000",
      CLASSIC_REPLY_MAX_BYTES: "65536",
    };
    const child = spawn(process.execPath, [this.#main], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", resolve));
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#read(JSON.parse(line) as LogLine);
    });
  }

  /** Sends a signal; for those that end a process, resolves when it has ended. */
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
    if (line.msg === "began to lead") this.token = line.token;
    if (line.msg === "stopped leading") this.token = undefined;
    this.#onLog(line);
  }
}

export class Cluster {
  readonly gateways: readonly Gateway[];
  /** How often each event of the gateways' logs was seen. */
  readonly seen = new Map<string, number>();
  readonly terms: { token: string; gateway: number }[] = [];
  readonly events: { bucket: number; at: string; digest: string }[] = [];
  readonly #settings: ClusterSettings;
  readonly #redisPort: number;
  #redis: LocalRedis;
  /** Beside all proxies. */
  readonly admin: Redis;
  readonly #observer: Redis;

  private constructor(
    settings: ClusterSettings,
    redis: LocalRedis,
    edges: [Proxy, Proxy, number][],
  ) {
    this.#settings = settings;
    this.#redis = redis;
    this.#redisPort = redis.port;
    this.gateways = edges.map(([toRedis, toClients, port], index) => {
      const place = { index, port, toRedis, toClients };
      return new Gateway(place, `${settings.dist}/main.js`, (line) => this.#note(line, index));
    });
    const patient = { retryStrategy: () => 50, maxRetriesPerRequest: null };
    this.admin = new Redis(redis.url, patient);
    this.#observer = new Redis(redis.url, patient);
    for (const client of [this.admin, this.#observer]) client.on("error", () => {}); // Redis is killed on purpose
    this.#observer.on("pmessageBuffer", (_pattern, channel: Buffer, event: Buffer) => {
      this.#keep(String(channel), event);
    });
  }

  static async start(settings: ClusterSettings): Promise<Cluster> {
    const redis = await startRedis(settings.dataDir);
    const edges = await Promise.all(
      Array.from({ length: settings.gateways }, async (): Promise<[Proxy, Proxy, number]> => {
        const port = await freePort();
        return [await Proxy.to(redis.port), await Proxy.to(port), port];
      }),
    );
    const cluster = new Cluster(settings, redis, edges);
    await cluster.#observer.psubscribe("tertulia:*:log");
    for (const gateway of cluster.gateways) gateway.start();
    await cluster.untilReady();
    return cluster;
  }

  get leader(): Gateway | undefined {
    const leading = this.gateways.filter(({ token }) => token !== undefined);
    return leading.toSorted((a, b) => (a.token! < b.token! ? 1 : -1))[0];
  }

  async untilReady(): Promise<void> {
    for (const gateway of this.gateways) {
      const until = performance.now() + 30_000;
      while (!(await gateway.isReady())) {
        if (performance.now() > until)
          throw new Error(`gateway ${gateway.index} does not get ready`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async killRedis(): Promise<void> {
    const exited = new Promise((resolve) => this.#redis.child.once("exit", resolve));
    this.#redis.child.kill("SIGKILL");
    await exited;
  }

  async reviveRedis(): Promise<void> {
    this.#redis = await startRedis(this.#settings.dataDir, this.#redisPort);
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.signal("SIGKILL")));
    await Promise.all(
      this.gateways.flatMap(({ toRedis, toClients }) => [toRedis.close(), toClients.close()]),
    );
    this.admin.disconnect();
    this.#observer.disconnect();
    await this.#redis.close();
  }

  #note(line: LogLine, gateway: number): void {
    this.seen.set(line.msg, (this.seen.get(line.msg) ?? 0) + 1);
    if (line.msg === "began to lead" && line.token !== undefined) {
      this.terms.push({ token: line.token, gateway });
    }
  }

  #keep(channel: string, event: Buffer): void {
    const at = `${event.readUIntBE(1, 6)}-${event.readUIntBE(7, 6)}`;
    const digest = createHash("sha1").update(event).digest("base64").slice(0, 12);
    this.events.push({ bucket: Number(/\{(\d+)\}/.exec(channel)![1]), at, digest });
  }
}

function startRedis(dataDir: string, port?: number): Promise<LocalRedis> {
  const extra = ["--appendfsync", "always", "--enable-debug-command", "yes"];
  return startLocalRedis({ dataDir, extra, ...(port !== undefined && { port }) });
}
