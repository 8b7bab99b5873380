/** Redis servers and sentinels that speak TLS only, want client certificates, and have passwords. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "#tertulia/local-redis/binary.js";
import { freePort, spawnOnLeash } from "#tertulia/local-redis/server.js";
import { makeCertificates, pemOf, type Certificates } from "./certificates.js";
import { eventually } from "./eventually.js";

export interface SecuredServer {
  readonly port: number;
  /** With the right certificate and password. */
  readonly client: Redis;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
}

const PASSWORD = "re:dis";
const SENTINEL_PASSWORD = "sent:inel";

/** A server alone, or a primary with two replicas and three sentinels. */
export class Secured {
  readonly certificates: Certificates = makeCertificates();
  readonly servers: SecuredServer[] = [];
  readonly sentinels: SecuredServer[] = [];
  readonly password = PASSWORD;
  readonly sentinelPassword = SENTINEL_PASSWORD;
  #folder = "";

  static async startServer(...options: string[]): Promise<Secured> {
    const secured = new Secured();
    secured.#folder = await mkdtemp(join(tmpdir(), "tertulia-secured-"));
    await secured.#startServer(options);
    return secured;
  }

  /** @param options of each server, as lines of its configuration */
  static async startSentinels(...options: string[]): Promise<Secured> {
    const secured = await Secured.startServer(...options);
    const { port } = secured.servers[0]!;
    const follow = [...options, `replicaof 127.0.0.1 ${port}`];
    await Promise.all([secured.#startServer(follow), secured.#startServer(follow)]);
    await Promise.all([1, 2, 3].map(() => secured.#startSentinel(port)));
    await eventually(async () => {
      for (const { client } of secured.sentinels) {
        const about = await client.info("sentinel");
        if (!/status=ok,.*slaves=2,sentinels=3/.test(about)) throw new Error(about);
      }
    }, 30_000);
    return secured;
  }

  /** REDIS_URL, without passwords, and the files of TLS. */
  get environment(): Record<string, string> {
    const sentinels = this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
    const server = `rediss://127.0.0.1:${this.servers[0]!.port}`;
    return {
      REDIS_URL: sentinels === "" ? server : `rediss+sentinel://${sentinels}/chat`,
      REDIS_CA_FILE: this.certificates.at("ca.crt"),
      REDIS_CERT_FILE: this.certificates.at("client.crt"),
      REDIS_KEY_FILE: this.certificates.at("client.key"),
    };
  }

  async close(): Promise<void> {
    for (const { client } of [...this.servers, ...this.sentinels]) client.disconnect();
    await Promise.all([...this.servers, ...this.sentinels].map((each) => each.kill()));
    this.certificates.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startServer(options: readonly string[]): Promise<void> {
    const lines = ["save ''", "repl-diskless-sync-delay 0", `masterauth ${PASSWORD}`, ...options];
    const port = await freePort();
    this.servers.push(await this.#start(port, [...lines, `requirepass ${PASSWORD}`], PASSWORD));
  }

  async #startSentinel(primaryPort: number): Promise<void> {
    const lines = [
      `sentinel monitor chat 127.0.0.1 ${primaryPort} 2`,
      "sentinel down-after-milliseconds chat 1000",
      "sentinel failover-timeout chat 5000",
      `sentinel auth-pass chat ${PASSWORD}`,
      `requirepass ${SENTINEL_PASSWORD}`,
    ];
    const port = await freePort();
    this.sentinels.push(await this.#start(port, lines, SENTINEL_PASSWORD, "--sentinel"));
  }

  async #start(
    port: number,
    options: readonly string[],
    password: string,
    ...args: string[]
  ): Promise<SecuredServer> {
    const path = join(this.#folder, `${port}.conf`);
    const lines = [
      "bind 127.0.0.1",
      "port 0",
      `tls-port ${port}`,
      `tls-ca-cert-file ${this.certificates.at("ca.crt")}`,
      `tls-cert-file ${this.certificates.at("server.crt")}`,
      `tls-key-file ${this.certificates.at("server.key")}`,
      "tls-auth-clients yes",
      "tls-replication yes",
      `dir ${this.#folder}`,
      `dbfilename ${port}.rdb`,
      ...options,
    ];
    await writeFile(path, `${lines.join("\n")}\n`);
    const child = spawnOnLeash([...(await findRedisBinary()), path, ...args]);
    child.stdout!.resume();
    child.stderr!.resume();
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const client = patientClient(port, password, this.certificates);
    await client.ping();
    return {
      port,
      client,
      async kill() {
        child.kill("SIGKILL");
        await exited;
      },
    };
  }
}

function patientClient(port: number, password: string, certificates: Certificates): Redis {
  const options = {
    host: "127.0.0.1",
    port,
    password,
    tls: {
      ca: pemOf(certificates, "ca.crt"),
      cert: pemOf(certificates, "client.crt"),
      key: pemOf(certificates, "client.key"),
    },
    enableReadyCheck: false,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  };
  const client = new Redis(options);
  client.on("error", () => {}); // not there yet, or killed on purpose
  return client;
}
