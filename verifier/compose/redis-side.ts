/** The Redis of a compose project: one server, or several with sentinels; asked directly, not through gateways. */
import { Redis } from "ioredis";
import { until, withinASecond } from "../until.js";
import { PortForward } from "./port-forward.js";
import type { Container, Project } from "./project.js";

interface Server {
  readonly service: string;
  readonly client: Redis;
}

/** The time in which a deployment must heal. */
const WHOLE_WITHIN_MS = 120_000;

export class ProjectRedis {
  readonly servers: readonly Server[];
  readonly sentinels: readonly Server[];
  readonly #project: Project;
  readonly #name: string;
  readonly #forwards: readonly PortForward[];

  private constructor(
    project: Project,
    servers: readonly Server[],
    sentinels: readonly Server[],
    forwards: readonly PortForward[],
    name: string,
  ) {
    this.#project = project;
    this.servers = servers;
    this.sentinels = sentinels;
    this.#forwards = forwards;
    this.#name = name;
  }

  /** Services `redis`, `redis-2`, … and `sentinel…`, all of them running. */
  static async of(project: Project): Promise<ProjectRedis> {
    const containers = await project.containers();
    const forwards: PortForward[] = [];
    const reach = async (container: Container, port: number, file: string): Promise<Server> => {
      const forward = await PortForward.to(project, container.service, port);
      forwards.push(forward);
      const login = await loginOf(project, container, file);
      return { service: container.service, client: clientAt(forward.port, login) };
    };
    const isRedis = ({ service }: Container): boolean => /^redis(-\d+)?$/.test(service);
    const isSentinel = ({ service }: Container): boolean => /^sentinel(-\d+)?$/.test(service);
    const servers = containers.filter(isRedis).map((each) => reach(each, 6_379, REDIS));
    const sentinels = containers.filter(isSentinel).map((each) => reach(each, 26_379, SENTINEL));
    const name = containers.find(isSentinel)?.environment["MASTER_NAME"] ?? "chat";
    const all = [await Promise.all(servers), await Promise.all(sentinels)] as const;
    return new ProjectRedis(project, ...all, forwards, name);
  }

  get clients(): readonly Redis[] {
    return this.servers.map(({ client }) => client);
  }

  get services(): readonly string[] {
    return [...this.servers, ...this.sentinels].map(({ service }) => service);
  }

  /** The server that most sentinels call the primary; the only one, if there are none. */
  async primary(): Promise<Server> {
    if (this.sentinels.length === 0) return this.servers[0]!;
    let found: Server | undefined;
    await until("most sentinels name one primary", async () => {
      const named = await Promise.all(this.sentinels.map((each) => this.#namedBy(each)));
      const votes = (service: string): number => named.filter((each) => each === service).length;
      found = this.servers.find(({ service }) => votes(service) > this.sentinels.length / 2);
      return found !== undefined;
    });
    return found!;
  }

  async containersOf(services: readonly string[]): Promise<readonly Container[]> {
    return (await this.#project.containers()).filter(({ service }) => services.includes(service));
  }

  /** Waits until another server is the primary, as the sentinels and the server itself say. */
  async untilSuccessorOf(old: Server): Promise<void> {
    await until("another server is the primary", async () => {
      const primary = await this.primary();
      return primary !== old && (await replicationOf(primary)).includes("role:master");
    });
  }

  /** Waits until there is one primary, all others are its replicas in sync, and all sentinels know it. */
  async untilWhole(): Promise<void> {
    let seen = "";
    const isWhole = async (): Promise<boolean> => {
      seen = await this.#whatIsWrong();
      return seen === "";
    };
    await until("Redis is whole", isWhole, WHOLE_WITHIN_MS).catch((error: unknown) => {
      throw new Error(`Redis is not whole after ${WHOLE_WITHIN_MS / 1_000} s: ${seen}`, {
        cause: error,
      });
    });
  }

  close(): void {
    for (const { client } of [...this.servers, ...this.sentinels]) client.disconnect();
    for (const forward of this.#forwards) forward.close();
  }

  async #whatIsWrong(): Promise<string> {
    const abouts = await Promise.all(this.servers.map((each) => replicationOf(each)));
    const roles = this.servers.map(({ service }, i) => `${service}: ${roleIn(abouts[i]!)}`);
    const primaries = abouts.filter((about) => about.includes("role:master"));
    const replicas = this.servers.length - 1;
    if (primaries.length !== 1) return roles.join(", ");
    const isInSync = primaries[0]!.match(/^slave\d+:.*state=online/gm)?.length === replicas;
    const areUp = abouts.filter((about) => about.includes("master_link_status:up"));
    if (replicas > 0 && (!isInSync || areUp.length !== replicas)) return roles.join(", ");
    const primary = this.servers[abouts.indexOf(primaries[0]!)]!;
    for (const sentinel of this.sentinels) {
      if ((await this.#namedBy(sentinel)) !== primary.service) {
        return `${sentinel.service} does not call ${primary.service} the primary`;
      }
      for (const [what, most] of [
        ["REPLICAS", replicas],
        ["SENTINELS", this.sentinels.length - 1],
      ] as const) {
        const fit = await this.#fitFor(sentinel, what);
        if (fit !== most) return `${sentinel.service} sees ${fit} fit ${what.toLowerCase()}`;
      }
    }
    return "";
  }

  async #namedBy({ client }: Server): Promise<string | undefined> {
    const asked = client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", this.#name);
    const [host] = (await withinASecond(asked as Promise<[string, string] | null>, null)) ?? [];
    if (host === undefined) return undefined;
    const containers = await this.#project.containers();
    return containers.find(({ service, ip }) => service === host || ip === host)?.service;
  }

  /** How many are alive. A replica that has just started does not count: it may not be promoted yet. */
  async #fitFor({ client }: Server, others: "REPLICAS" | "SENTINELS"): Promise<number> {
    const asked = client.call("SENTINEL", others, this.#name) as Promise<string[][]>;
    const seen = await withinASecond(asked, []);
    const field = (one: string[], name: string): string => one[one.indexOf(name) + 1]!;
    return seen.filter((one) => {
      const isAlive = !/down|disconnected/.test(field(one, "flags"));
      return isAlive && (others === "SENTINELS" || field(one, "slave-priority") !== "0");
    }).length;
  }
}

const REDIS = "REDIS_PASSWORD_FILE";
const SENTINEL = "SENTINEL_PASSWORD_FILE";

interface Login {
  readonly password?: string;
  readonly tls?: {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
    readonly checkServerIdentity: () => undefined;
  };
}

/** How the containers log in at one another. */
async function loginOf(
  project: Project,
  container: Container,
  passwordFile: string,
): Promise<Login> {
  const { [passwordFile]: file = "", TLS_DIR: folder = "" } = container.environment;
  const read = (path: string): Promise<string> => project.read(container, path);
  return {
    ...(file !== "" && { password: (await read(file)).split("\n")[0]! }),
    ...(folder !== "" && {
      tls: {
        ca: await read(`${folder}/ca.crt`),
        cert: await read(`${folder}/tls.crt`),
        key: await read(`${folder}/tls.key`),
        // its address here is not the name in the certificate
        checkServerIdentity: () => undefined,
      },
    }),
  };
}

function clientAt(port: number, login: Login): Redis {
  const patience = {
    retryStrategy: (): number => 100,
    maxRetriesPerRequest: null,
    // a container that was removed may not have closed its connections
    socketTimeout: 5_000,
  };
  const client = new Redis(port, "127.0.0.1", { ...login, ...patience });
  client.on("error", () => {}); // servers are killed on purpose
  return client;
}

function replicationOf({ client }: Server): Promise<string> {
  return withinASecond(client.info("replication"), "");
}

function roleIn(about: string): string {
  const field = (name: string): string =>
    new RegExp(`^${name}:(.*)\r$`, "m").exec(about)?.[1] ?? "";
  if (about === "") return "no answer";
  if (field("role") === "master") return `primary of ${field("connected_slaves")}`;
  return `replica of ${field("master_host")}, link ${field("master_link_status")}`;
}
