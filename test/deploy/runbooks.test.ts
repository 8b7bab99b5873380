/**
 * Each alert, caused: real gateways, Redis servers and sentinels, a real Prometheus with our rules. What the
 * runbook says is done, and the alert ends. Some minutes: only with `npm run test:alerts`.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, spawnOnLeash, startLocalRedis } from "#tertulia/local-redis/server.js";
import { ALL_BUCKETS, Keys } from "#tertulia/redis/keys.js";
import { Proxy } from "#verifier/proxy.js";
import { Sentinels, patientClient } from "#verifier/sentinels.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { nodeProcess, type NodeProcess } from "../support/nodes.js";
import { find, whyNot } from "../support/prometheus-tools.js";
import { upgradeRequest } from "../support/raw-socket.js";
import { redisTools, script } from "../support/redis-tools.js";
import { Secured } from "../support/secured.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { startWatched, type Target, type Watched } from "../support/watched.js";

const why =
  process.env["RUNBOOKS"] === undefined
    ? "npm run test:alerts causes each alert: not done here"
    : whyNot("prometheus", "redis_exporter");
if (why !== undefined) console.log(why);

const LIMITS = ["--maxmemory", "512mb"];
const keys = new Keys("tertulia");

/** A gateway that can be ended and started again, and is watched at the same place. */
class Gateway {
  readonly metricsPort: number;
  readonly #environment: Record<string, string | number>;
  process!: NodeProcess;

  private constructor(environment: Record<string, string | number>, metricsPort: number) {
    this.metricsPort = metricsPort;
    this.#environment = { ...environment, METRICS_PORT: metricsPort };
  }

  static async on(REDIS_URL: string, more: Record<string, string | number> = {}): Promise<Gateway> {
    const gateway = new Gateway({ REDIS_URL, ...more }, await freePort());
    await gateway.start();
    return gateway;
  }

  async start(more: Record<string, string | number> = {}): Promise<void> {
    this.process = await nodeProcess({ ...this.#environment, ...more });
  }

  async restart(more: Record<string, string | number> = {}): Promise<void> {
    await this.process.close();
    await this.start(more);
  }

  get port(): number {
    return this.process.port;
  }
}

describe.skipIf(why !== undefined)("runbooks", () => {
  let watched: Watched;
  /** One Redis; its gateways reach it through proxies. Faults of gateways and of a single Redis happen here. */
  let redis: TestRedis;
  let proxies: Proxy[];
  let gateways: Gateway[];
  /** With replicas and sentinels. */
  let sentinels: Sentinels;
  let others: Gateway[];
  /** Nothing ever happens here. */
  let calmRedis: TestRedis;
  let calm: Gateway;
  /** A Redis on a small disk. */
  let disk: string | undefined;
  let targets: Target[];
  const took: string[] = [];

  beforeAll(async () => {
    [watched, redis, calmRedis, sentinels] = await Promise.all([
      startWatched(),
      startRedis(...LIMITS),
      startRedis(...LIMITS),
      Sentinels.start(),
    ]);
    for (const { client } of sentinels.servers) await client.config("SET", "maxmemory", "512mb");
    proxies = [await Proxy.to(redis.port), await Proxy.to(redis.port)];
    const ports = [await freePort(), await freePort()];
    const PEERS = ports.map((port) => `127.0.0.1:${port}`).join(",");
    gateways = await Promise.all(
      ports.map((PORT, i) => Gateway.on(proxies[i]!.url, { PORT, PEERS })),
    );
    others = [await Gateway.on(sentinels.url), await Gateway.on(sentinels.url)];
    calm = await Gateway.on(calmRedis.url);
    const gateway =
      (cluster: string) =>
      ({ metricsPort }: Gateway): Target => ({
        job: "tertulia",
        cluster,
        port: metricsPort,
      });
    const server = (cluster: string, port: number): Target => ({
      job: "tertulia-redis",
      cluster,
      port,
    });
    targets = [
      ...gateways.map(gateway("one")),
      server("one", redis.port),
      ...others.map(gateway("many")),
      ...[...sentinels.servers.map(({ port }) => port), ...sentinels.ports].map((port) =>
        server("many", port),
      ),
      gateway("calm")(calm),
      server("calm", calmRedis.port),
    ];
    await watched.watch(targets);
    await silent("one", "many", "calm");
  }, 120_000);

  afterAll(async () => {
    console.log(took.join("\n"));
    for (const gateway of [...gateways, ...others, calm]) await gateway.process.close("SIGKILL");
    await Promise.all([sentinels.close(), redis.close(), calmRedis.close(), watched.close()]);
    for (const proxy of proxies) await proxy.close();
    if (disk !== undefined) {
      execFileSync("umount", [disk]);
      await rm(disk, { recursive: true });
    }
  });

  async function silent(...clusters: string[]): Promise<void> {
    await eventually(async () => {
      const those = [...(await watched.firing())].filter((each) =>
        clusters.includes(each.split(" ")[0]!),
      );
      expect(those.join()).toBe("");
    }, 45_000);
  }

  /** The fault sets them off; what the runbook says ends them, and all else that the fault set off. */
  async function tried(
    cluster: string,
    alerts: readonly string[],
    cause: () => Promise<void>,
    remedy: () => Promise<void>,
  ): Promise<void> {
    const began = performance.now();
    await cause();
    await eventually(async () => {
      const firing = await watched.firing();
      const missing = alerts.filter((alert) => !firing.has(`${cluster} ${alert}`));
      expect({ missing, firing: [...firing].join() }).toMatchObject({ missing: [] });
    }, 60_000);
    const fired = performance.now();
    const all = [...(await watched.firing())].filter((each) => each.startsWith(`${cluster} `));
    await remedy();
    await silent(cluster);
    const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
    const ended = performance.now() - fired;
    took.push(
      `${alerts.join(", ")}: after ${seconds(fired - began)}, ended in ${seconds(ended)}; fired: ${all.join(", ")}`,
    );
  }

  const nothing = async (): Promise<void> => {};
  const only = async (names: readonly string[]): Promise<void> =>
    watched.watch(targets.filter(({ cluster, job }) => !names.includes(`${cluster} ${job}`)));

  /** Does it again and again, until told to stop. */
  function again(act: () => Promise<unknown> | void, everyMs: number): () => Promise<void> {
    const stop = new AbortController();
    const run = (async () => {
      while (!stop.signal.aborted) {
        await Promise.resolve(act()).catch(() => {});
        await pause(everyMs);
      }
    })();
    return async () => {
      stop.abort();
      await run;
    };
  }

  async function talker(port: number, name: string): Promise<ClassicClient> {
    return ClassicClient.connect(port, name);
  }

  test("TertuliaNobodyReady, TertuliaNotReady, TertuliaRedisDown, TertuliaNoPrimary: Redis is killed, and started again", async () => {
    const alerts = ["NobodyReady", "NotReady", "RedisDown", "NoPrimary"];
    await tried(
      "one",
      alerts.map((each) => `Tertulia${each}`),
      () => redis.kill(),
      () => redis.revive(),
    );
  });

  test("TertuliaTargetDown, TertuliaUsersLost: a gateway freezes, and is started again", async () => {
    const ana = await talker(gateways[1]!.port, "ana");
    await tried(
      "one",
      ["TertuliaTargetDown", "TertuliaUsersLost"],
      async () => void gateways[1]!.process.child.kill("SIGSTOP"),
      async () => {
        await gateways[1]!.process.close("SIGKILL");
        await gateways[1]!.start();
      },
    );
    ana.vanish();
  });

  test("TertuliaRestarts: a gateway ends again and again, and is left alone", async () => {
    await tried(
      "one",
      ["TertuliaRestarts"],
      async () => {
        for (let i = 0; i < 4; i++) {
          await pause(1_500); // Prometheus must see each of them
          await gateways[1]!.restart();
        }
        await pause(1_500);
      },
      nothing,
    );
  });

  test("TertuliaLeaders: a gateway leads that nobody watches, and is stopped", async () => {
    let stranger: NodeProcess;
    await tried(
      "one",
      ["TertuliaLeaders"],
      async () => {
        stranger = await nodeProcess({ REDIS_URL: redis.url });
        for (const gateway of gateways) await gateway.process.close();
        await eventually(() => expect(stranger.isLeading).toBe(true));
        for (const gateway of gateways) await gateway.start();
      },
      async () => void (await stranger.close()),
    );
  });

  test("TertuliaNotReady, TertuliaAlone: a gateway alone is cut off, and reaches Redis again", async () => {
    const eva = await talker(gateways[1]!.port, "eva");
    await tried(
      "one",
      ["TertuliaNotReady", "TertuliaAlone"],
      async () => proxies[1]!.set("blackhole"),
      async () => proxies[1]!.set("pass"),
    );
    expect(await eva.closed()).toBe(1012);
  });

  test("TertuliaRolledBack: everything in Redis is thrown away", async () => {
    await tried(
      "one",
      ["TertuliaRolledBack"],
      async () => void (await redis.client.flushall()),
      nothing,
    );
  });

  test("TertuliaEventsMissing: the log no longer has what a gateway missed", async () => {
    const ana = await talker(gateways[0]!.port, "carla");
    await tried(
      "one",
      ["TertuliaEventsMissing"],
      async () => {
        proxies[1]!.set("blackhole");
        ana.says(4, L("~"), L("missed"));
        ana.says(4, L("~"), L("still there"));
        await ana.settles();
        for (const bucket of ALL_BUCKETS) await redis.client.xtrim(keys.log(bucket), "MAXLEN", 1);
        proxies[1]!.cut(); // what waits in it would still arrive
        proxies[1]!.set("pass");
      },
      nothing,
    );
    ana.vanish();
  });

  test("TertuliaFeedBehind: a gateway's way to Redis is too slow, and is mended", async () => {
    const ana = await talker(gateways[0]!.port, "dora");
    const text = L("x".repeat(255));
    await tried(
      "one",
      ["TertuliaFeedBehind"],
      async () => {
        proxies[1]!.set("throttle");
        for (let i = 0; i < 4_000; i++) ana.says(4, L("~"), text);
        await ana.arrives();
      },
      async () => proxies[1]!.set("pass"),
    );
    ana.vanish();
  });

  test("TertuliaSubscriptionsReplaced: Redis cuts subscribers, until it does not", async () => {
    const stop = again(() => redis.client.call("CLIENT", "KILL", "TYPE", "pubsub"), 1_000);
    await tried("one", ["TertuliaSubscriptionsReplaced"], nothing, stop);
  });

  test("TertuliaSlowDelivery: Redis is busy with something slow, until that ends", async () => {
    const ana = await talker(gateways[0]!.port, "fina");
    const talks = again(() => ana.says(4, L("~"), L("hello")), 50);
    const stop = again(() => redis.client.call("DEBUG", "SLEEP", "0.4"), 50);
    await tried("one", ["TertuliaSlowDelivery"], nothing, stop);
    await talks();
    ana.vanish();
  });

  test("TertuliaRedisMemory, TertuliaRedisFull, TertuliaRedisErrors: Redis is full, and gets more", async () => {
    const ana = await talker(gateways[0]!.port, "gema");
    const talks = again(() => ana.says(4, L("~"), L("hello")), 50);
    await tried(
      "one",
      ["TertuliaRedisMemory", "TertuliaRedisFull", "TertuliaRedisErrors"],
      async () => void (await redis.client.config("SET", "maxmemory", "1mb")),
      async () => void (await redis.client.config("SET", "maxmemory", "512mb")),
    );
    await talks();
    ana.vanish();
  });

  test("TertuliaRedisSettings: maxmemory is taken away, and set again", async () => {
    await tried(
      "one",
      ["TertuliaRedisSettings"],
      async () => void (await redis.client.config("SET", "maxmemory", "0")),
      async () => void (await redis.client.config("SET", "maxmemory", "512mb")),
    );
  });

  test("TertuliaRedisConnections: Redis takes few clients, and then more", async () => {
    await tried(
      "one",
      ["TertuliaRedisConnections"],
      async () => {
        const about = await redis.client.info("clients");
        const count = Number(/^connected_clients:(\d+)/m.exec(about)![1]);
        await redis.client.config("SET", "maxclients", `${count + 1}`);
      },
      async () => void (await redis.client.config("SET", "maxclients", "1000")),
    );
  });

  test("TertuliaEventLoopSlow: a gateway gets too little of its core, and then enough", async () => {
    const { child } = gateways[1]!.process;
    const stop = again(async () => {
      child.kill("SIGSTOP");
      await pause(300);
      child.kill("SIGCONT");
    }, 150);
    await tried("one", ["TertuliaEventLoopSlow"], nothing, stop);
  });

  test("TertuliaConnections: a gateway is nearly full, and may then take more", async () => {
    await gateways[1]!.restart({ MAX_CONNECTIONS: 10 });
    const clients: ClassicClient[] = [];
    await tried(
      "one",
      ["TertuliaConnections"],
      async () => {
        for (let i = 0; i < 9; i++) clients.push(await talker(gateways[1]!.port, `user ${i}`));
      },
      () => gateways[1]!.restart({ MAX_CONNECTIONS: 100 }),
    );
    for (const client of clients) client.vanish();
  });

  test("TertuliaSlowReaders: many do not read, and are gone", async () => {
    await gateways[1]!.restart({ QUEUE_MAX_BYTES: 200_000, CLASSIC_REPLY_MAX_BYTES: 65_536 });
    const ana = await talker(gateways[0]!.port, "hilda");
    for (let i = 0; i < 255; i++) ana.says(4, L("~"), L("x".repeat(255)));
    await ana.settles();
    const request = Buffer.from([0x82, 0x83, 0, 0, 0, 0, 5, 1, 0x7e]); // [5] L(~): a history of 64 KB
    const sockets: Socket[] = [];
    await tried(
      "one",
      ["TertuliaSlowReaders"],
      async () => {
        for (let i = 0; i < 40; i++) {
          const socket = connect(gateways[1]!.port, "127.0.0.1");
          socket.on("error", () => {}); // it will be cut
          socket.write(upgradeRequest(`/?name=deaf-${i}`));
          await new Promise((resolve) => socket.once("data", resolve));
          socket.pause();
          for (let k = 0; k < 300; k++) socket.write(request);
          sockets.push(socket);
        }
      },
      async () => {
        for (const socket of sockets) socket.destroy();
        await gateways[1]!.restart();
      },
    );
    ana.vanish();
  });

  test("TertuliaReplicaMissing, TertuliaRedisDown: a replica is killed, and started again", async () => {
    const primary = await sentinels.primary();
    const replica = sentinels.servers.find((each) => each !== primary)!;
    await tried(
      "many",
      ["TertuliaReplicaMissing", "TertuliaRedisDown"],
      () => sentinels.kill(replica),
      async () => {
        await sentinels.revive(replica);
        await replica.client.config("SET", "maxmemory", "512mb");
        await sentinels.untilWhole();
      },
    );
  });

  test("TertuliaReplicationBroken: nothing gets through to the replicas, and then it does", async () => {
    const { proxy } = await sentinels.primary();
    await tried(
      "many",
      ["TertuliaReplicationBroken"],
      async () => proxy.set("blackhole", "replication"),
      async () => proxy.set("pass"),
    );
  });

  test("TertuliaSentinelMissing: a sentinel freezes, and goes on", async () => {
    await tried(
      "many",
      ["TertuliaSentinelMissing"],
      async () => sentinels.signalSentinel(2, "SIGSTOP"),
      async () => sentinels.signalSentinel(2, "SIGCONT"),
    );
  });

  test("TertuliaSentinelQuorum: two of three sentinels freeze, and go on", async () => {
    await tried(
      "many",
      ["TertuliaSentinelQuorum"],
      async () => [1, 2].forEach((each) => sentinels.signalSentinel(each, "SIGSTOP")),
      async () => [1, 2].forEach((each) => sentinels.signalSentinel(each, "SIGCONT")),
    );
  });

  test("TertuliaSeveralPrimaries: a replica is made a primary while the sentinels are away, and they see to it", async () => {
    const primary = await sentinels.primary();
    const replica = sentinels.servers.find((each) => each !== primary)!;
    await tried(
      "many",
      ["TertuliaSeveralPrimaries"],
      async () => {
        for (const each of [0, 1, 2]) sentinels.signalSentinel(each, "SIGSTOP");
        await replica.client.replicaof("NO", "ONE");
      },
      async () => {
        for (const each of [0, 1, 2]) sentinels.signalSentinel(each, "SIGCONT");
      },
    );
    await sentinels.untilWhole();
  });

  test("TertuliaCertificate: the certificate of Redis ends tomorrow, and is renewed", async () => {
    const secured = await Secured.startServer("maxmemory 512mb");
    const { certificates, environment, password } = secured;
    const { port, client } = secured.servers[0]!;
    const gateway = await Gateway.on(`rediss://127.0.0.1:${port}`, {
      ...environment,
      REDIS_PASSWORD: password,
    });
    const target: Target = { job: "tertulia", cluster: "secured", port: gateway.metricsPort };
    await tried(
      "secured",
      ["TertuliaCertificate"],
      () => watched.watch([...targets, target]),
      async () => {
        certificates.issue("renewed", "IP:127.0.0.1", "ca", 90);
        const files = ["crt", "key"].map((each) => certificates.at(`renewed.${each}`));
        await client.config("SET", "tls-cert-file", files[0]!, "tls-key-file", files[1]!);
        await gateway.restart();
      },
    );
    await watched.watch(targets);
    await gateway.process.close();
    await secured.close();
  });

  test("TertuliaVanished: all gateways are gone, and are started again", async () => {
    await tried(
      "many",
      ["TertuliaVanished"],
      async () => {
        for (const gateway of others) await gateway.process.close();
        await only(["many tertulia"]);
      },
      async () => {
        for (const gateway of others) await gateway.start();
        await watched.watch(targets);
      },
    );
  });

  test("TertuliaDiskFull, TertuliaRedisPersistence: a disk fills, and room is made", async (context) => {
    const folder = await mkdtemp(join(tmpdir(), "tertulia-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "pipe" });
      disk = folder;
    } catch {
      await rm(folder, { recursive: true });
    }
    context.skip(disk === undefined, "a small disk cannot be mounted here");
    context.skip(find("node_exporter") === undefined, whyNot("node_exporter"));
    const port = await freePort();
    const server = await startLocalRedis({ dataDir: disk!, port, extra: LIMITS });
    const client = patientClient(port);
    const exporter = await freePort();
    const machine = spawnOnLeash([
      find("node_exporter")!,
      "--collector.disable-defaults",
      "--collector.filesystem",
      `--collector.filesystem.mount-points-exclude=^/($|[^t]|t[^m])`,
      `--web.listen-address=127.0.0.1:${exporter}`,
    ]);
    await watched.watch([
      ...targets,
      { job: "tertulia-redis", cluster: "brim", port },
      { job: "tertulia-machine", cluster: "brim", port: exporter },
    ]);
    await tried(
      "brim",
      ["TertuliaDiskFull", "TertuliaRedisPersistence"],
      async () => {
        await writeFile(join(disk!, "fill"), Buffer.alloc(7_900_000)).catch(() => {});
        await client.set("a", "x".repeat(500_000)).catch(() => {});
      },
      () => rm(join(disk!, "fill")),
    );
    client.disconnect();
    machine.kill("SIGKILL");
    await watched.watch(targets);
    await server.close();
  });

  test("TertuliaBackupOld: no backup was taken for three days, and then one is", async (context) => {
    context.skip(find("node_exporter") === undefined, whyNot("node_exporter"));
    const folder = await mkdtemp(join(tmpdir(), "tertulia-backups-"));
    const tools = await redisTools(join(folder, "tools"));
    context.skip(tools === undefined, "redis-cli and redis-check-rdb are not here");
    const backUp = async (): Promise<void> => {
      const { code, said } = await script("deploy/backup/backup.sh", [], {
        PATH: `${tools}:${process.env["PATH"]}`,
        REDIS_HOST: "127.0.0.1",
        REDIS_PORT: `${redis.port}`,
        BACKUP_DIR: folder,
      });
      expect(code, said).toBe(0);
    };
    const exporter = await freePort();
    const machine = spawnOnLeash([
      find("node_exporter")!,
      "--collector.disable-defaults",
      "--collector.textfile",
      `--collector.textfile.directory=${folder}`,
      `--web.listen-address=127.0.0.1:${exporter}`,
    ]);
    await backUp();
    await watched.watch([...targets, { job: "tertulia-machine", cluster: "one", port: exporter }]);
    await tried(
      "one",
      ["TertuliaBackupOld"],
      async () => {
        const file = join(folder, "tertulia.prom");
        const told = await readFile(file, "utf8");
        const longAgo = (at: string): string => `${Number(at) - 3 * 86_400}`;
        await writeFile(file, told.replace(/\d+/, longAgo));
      },
      backUp,
    );
    machine.kill("SIGKILL");
    await watched.watch(targets);
    await rm(folder, { recursive: true });
  });

  test("TertuliaRedisEvicts: Redis is told to evict, and told not to", async () => {
    await tried(
      "one",
      ["TertuliaRedisEvicts", "TertuliaRedisSettings"],
      async () => {
        await redis.client.config("SET", "maxmemory-policy", "allkeys-random");
        await redis.client.config("SET", "maxmemory", "1mb");
        await redis.client.set("a", "b").catch(() => {});
      },
      async () => {
        await redis.client.config("SET", "maxmemory-policy", "noeviction");
        await redis.client.config("SET", "maxmemory", "512mb");
      },
    );
  });

  test("beside all that, nothing was said of the cluster where nothing happened", async () => {
    const fired = await watched.fired("calm");
    // a machine that is busy with all that makes every event loop late
    expect(fired.filter((alert) => alert !== "TertuliaEventLoopSlow")).toEqual([]);
  });
});
