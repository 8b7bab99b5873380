/** The system under test: real Redis servers and real gateway processes, with a proxy between any two of them. */
import { freePort } from "#tertulia/local-redis/server.js";
import { GatewayLogs, type LogLine } from "./gateway-log.js";
import { GatewayProcess } from "./gateway-process.js";
import type { Published } from "./rules/run-history.js";
import { Observer } from "./observer.js";
import { Proxy } from "./proxy.js";
import { SentinelRedis, SingleRedis, type RedisSide, type Topology } from "./redis-side.js";
import type { Sentinels } from "./sentinels.js";
import { until } from "./until.js";

export interface ClusterSettings {
  readonly topology: Topology;
  readonly gateways: number;
  /** The `dist` folder whose `main.js` is run. */
  readonly dist: string;
  /** The `dist` folder of another release: a gateway changes from one to the other at each start. */
  readonly beside?: string | undefined;
  /** For the append-only file of a single Redis. */
  readonly dataDir: string;
  /** Variables of every gateway. */
  readonly environment: Readonly<Record<string, string>>;
  /** The run's steady clock. */
  readonly now: () => number;
}

export class Cluster {
  readonly redis: RedisSide;
  /** What the gateways have logged. */
  readonly logs: GatewayLogs;
  /** Called for each line of a gateway's log. */
  onLog: (line: LogLine, gateway: number) => void = () => {};
  readonly #gateways: GatewayProcess[] = [];
  readonly #observer: Observer;

  private constructor(settings: ClusterSettings, redis: RedisSide, observer: Observer) {
    this.redis = redis;
    this.#observer = observer;
    this.logs = new GatewayLogs(settings.now);
  }

  static async start(settings: ClusterSettings): Promise<Cluster> {
    const redis =
      settings.topology === "single"
        ? await SingleRedis.start(settings.dataDir)
        : await SentinelRedis.start();
    const observer = await Observer.start(redis.clients, settings.now);
    const cluster = new Cluster(settings, redis, observer);
    try {
      await cluster.#startGateways(settings);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get gateways(): readonly GatewayProcess[] {
    return this.#gateways;
  }

  /** Every event that any server has published. */
  get events(): readonly Published[] {
    return this.#observer.events;
  }

  /** @throws Error if the run has one Redis only. */
  get sentinels(): Sentinels {
    if (this.redis instanceof SentinelRedis) return this.redis.sentinels;
    throw new Error("this run has no sentinels");
  }

  /** @throws Error if the run has sentinels. */
  get singleRedis(): SingleRedis {
    if (this.redis instanceof SingleRedis) return this.redis;
    throw new Error("this run has more than one Redis");
  }

  get leader(): GatewayProcess | undefined {
    const leading = this.gateways.filter(({ token }) => token !== undefined);
    return leading.toSorted((a, b) => (a.token! < b.token! ? 1 : -1))[0];
  }

  async untilReady(): Promise<void> {
    for (const gateway of this.gateways) {
      await until(`gateway ${gateway.index} is ready`, () => gateway.isReady());
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.signal("SIGKILL")));
    await Promise.all(
      this.gateways.flatMap(({ toRedis, toClients }) => [toRedis.close(), toClients.close()]),
    );
    this.#observer.close();
    await this.redis.close();
  }

  async #startGateways(settings: ClusterSettings): Promise<void> {
    const { gateways, dist, beside, environment } = settings;
    const mains = [dist, ...(beside === undefined ? [] : [beside])].map(
      (each) => `${each}/main.js`,
    );
    const ports = new Set<number>();
    while (ports.size < gateways) ports.add(await freePort());
    const PEERS = [...ports].map((port) => `127.0.0.1:${port}`).join(",");
    for (const [index, port] of [...ports].entries()) {
      const [toRedis, toClients] = [await this.redis.edge(), await Proxy.to(port)];
      const place = {
        index,
        port,
        toRedis,
        toClients,
        mains,
        environment: { PEERS, ...environment },
      };
      const gateway = new GatewayProcess(place, (line) => this.#note(line, index));
      this.#gateways.push(gateway);
      gateway.start();
    }
    await this.untilReady();
  }

  #note(line: LogLine, gateway: number): void {
    this.logs.take(line, gateway);
    this.onLog(line, gateway);
  }
}
