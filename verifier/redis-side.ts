/** The Redis of a run: one server, or several with sentinels; each gateway reaches it through proxies of its own. */
import { cp, rename, rm } from "node:fs/promises";
import type { Redis } from "ioredis";
import { freePort, startLocalRedis, type LocalRedis } from "#tertulia/local-redis/server.js";
import { Proxy, type Mode } from "./proxy.js";
import { Sentinels, patientClient, urlOf } from "./sentinels.js";

export type Topology = "single" | "sentinel";

export interface RedisSide {
  /** One for each server, connected directly, not through proxies. */
  readonly clients: readonly Redis[];
  /** The server that takes writes, connected directly. */
  primary(): Promise<Redis>;
  /** Proxies for one more gateway. */
  edge(): Promise<RedisEdge>;
  close(): Promise<void>;
}

/** All proxies between one gateway and Redis; a fault harms them together. */
export class RedisEdge {
  /** The gateway's REDIS_URL. */
  readonly url: string;
  readonly #proxies: readonly Proxy[];

  constructor(url: string, proxies: readonly Proxy[]) {
    this.url = url;
    this.#proxies = proxies;
  }

  set(mode: Mode, role?: string): void {
    for (const proxy of this.#proxies) proxy.set(mode, role);
  }

  cut(role?: string, how?: "reset" | "half-close"): void {
    for (const proxy of this.#proxies) proxy.cut(role, how);
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

export class SingleRedis implements RedisSide {
  readonly clients: readonly Redis[];
  readonly #dataDir: string;
  readonly #port: number;
  #server: LocalRedis;

  private constructor(dataDir: string, server: LocalRedis) {
    this.#dataDir = dataDir;
    this.#port = server.port;
    this.#server = server;
    this.clients = [patientClient(server.port)];
  }

  static async start(dataDir: string): Promise<SingleRedis> {
    return new SingleRedis(dataDir, await startServer(dataDir, await freePort()));
  }

  async primary(): Promise<Redis> {
    return this.clients[0]!;
  }

  async edge(): Promise<RedisEdge> {
    const proxy = await Proxy.to(this.#port);
    return new RedisEdge(proxy.url, [proxy]);
  }

  /** Copies the data. The returned function puts the copy in place of the data; no server may run then. */
  async backUp(): Promise<() => Promise<void>> {
    const copy = `${this.#dataDir}.copy`;
    await rm(copy, { recursive: true, force: true });
    await cp(this.#dataDir, copy, { recursive: true });
    return async () => {
      await rm(this.#dataDir, { recursive: true });
      await rename(copy, this.#dataDir);
    };
  }

  async kill(): Promise<void> {
    const exited = new Promise((resolve) => this.#server.child.once("exit", resolve));
    this.#server.child.kill("SIGKILL");
    await exited;
  }

  async revive(): Promise<void> {
    this.#server = await startServer(this.#dataDir, this.#port);
  }

  async close(): Promise<void> {
    this.clients[0]!.disconnect();
    await this.#server.close();
  }
}

export class SentinelRedis implements RedisSide {
  readonly sentinels: Sentinels;

  private constructor(sentinels: Sentinels) {
    this.sentinels = sentinels;
  }

  static async start(): Promise<SentinelRedis> {
    return new SentinelRedis(await Sentinels.start());
  }

  get clients(): readonly Redis[] {
    return this.sentinels.servers.map(({ client }) => client);
  }

  async primary(): Promise<Redis> {
    return (await this.sentinels.primary()).client;
  }

  /**
   * A proxy for each server and each sentinel. A sentinel names a server by the port of the proxy that all
   * gateways share; the sentinel's proxy replaces that port by the one of this gateway's own proxy.
   */
  async edge(): Promise<RedisEdge> {
    const own = new Map<string, number>();
    const { servers, ports } = this.sentinels;
    const toServers = servers.map(async ({ port, proxy: shared }) => {
      const proxy = await Proxy.to(port);
      own.set(`${shared.port}`, proxy.port);
      return proxy;
    });
    const rewrite = (answer: Buffer): Buffer => withPorts(answer, own);
    const toSentinels = ports.map(async (port) => {
      const proxy = await Proxy.to(port, rewrite);
      own.set(`${port}`, proxy.port);
      return proxy;
    });
    const sentinels = await Promise.all(toSentinels);
    const url = urlOf(sentinels.map(({ port }) => port));
    return new RedisEdge(url, [...(await Promise.all(toServers)), ...sentinels]);
  }

  async close(): Promise<void> {
    await this.sentinels.close();
  }
}

function startServer(dataDir: string, port: number): Promise<LocalRedis> {
  // a copy of the folder must not be taken in the middle of a rewrite
  const options = "--appendfsync always --auto-aof-rewrite-percentage 0 --enable-debug-command yes";
  const extra = options.split(" ");
  return startLocalRedis({ dataDir, port, extra });
}

/** All ports that the kernel chooses have five digits, so the length of an answer stays the same. */
function withPorts(answer: Buffer, own: ReadonlyMap<string, number>): Buffer {
  const text = answer.toString("latin1");
  const changed = text.replace(/\b\d{5}\b/g, (port) => `${own.get(port) ?? port}`);
  return Buffer.from(changed, "latin1");
}
