/** Two gateways, as processes, one Redis, and honest clients who talk to each other after each hostile input. */
import { readdir } from "node:fs/promises";
import type { Role } from "#tertulia/chat/identity.js";
import type { Name } from "#tertulia/chat/names.js";
import { Keys } from "#tertulia/redis/keys.js";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { nodeProcess, type LogLine, type NodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { BINARY, Rogue, clientFrame, jsonFrame } from "./rogue.js";

export type Dialect = "classic" | "ws-protocol" | "json";

/** Lines that tell of a bug of ours. */
const BUGS = new Set(["request_failed", "session_broken", "upgrade_failed", "uncaught_error"]);

export interface World {
  readonly redis: TestRedis;
  readonly gateways: readonly [NodeProcess, NodeProcess];
  /** A name that nobody has had yet. */
  newName(): string;
  /** From an address of its own, to the first gateway. */
  rogue(): Promise<Rogue>;
  /** Ends all rogues. */
  leave(): Promise<void>;
  /** With a name and past its greeting; where there are accounts, it has one, whose password is PASSWORD. */
  named(dialect: Dialect, name?: string, hello?: object): Promise<Rogue>;
  /** In JSON, with an account and a role. */
  withRole(role: Role, name?: string): Promise<Rogue>;
  /** Throws unless both gateways live, wrote no line that tells of a bug, and everybody hears everybody. */
  isWell(): Promise<void>;
  lines(): LogLine[];
  descriptors(): Promise<number>;
  close(): Promise<void>;
}

/** Of every account. */
export const PASSWORD = "a-long-password";

/** What the gateways of a world are set to. */
export const WORLDS = { open: {}, accounts: { IDENTITY: "accounts" } } as const;
export type WorldKind = keyof typeof WORLDS;

export async function openWorld(kind: WorldKind, more: object = {}): Promise<World> {
  const hasAccounts = kind === "accounts";
  const environment = { ...WORLDS[kind], ...more };
  const redis = await startRedis();
  const start = (): Promise<NodeProcess> =>
    nodeProcess({ REDIS_URL: redis.url, LOG_LEVEL: "info", ...environment });
  const gateways = [await start(), await start()] as const;
  const [first, second] = gateways;
  const queryOf = (name: string): string =>
    `?name=${encodeURIComponent(name)}${hasAccounts ? `&password=${PASSWORD}` : ""}`;
  /** Makes an account, if there are any; returns what a hello has to show. */
  const registered = async (name: string): Promise<object> => {
    if (!hasAccounts) return {};
    const client = await JsonClient.connect(first.port);
    const { session } = await client.asks({ type: "register", name, password: PASSWORD });
    client.vanish();
    return { session };
  };
  const talker = "honest-bytes";
  const classic = await ClassicClient.connect(first.port, talker, undefined, queryOf(talker));
  const shown = await registered("honest-json");
  const json = await JsonClient.hello(second.port, "honest-json", shown);
  let [names, talks] = [0, 0];
  const rogues: Promise<Rogue>[] = [];
  const world: World = {
    redis,
    gateways,
    newName: () => `rogue-${names++}`,
    async rogue() {
      const i = rogues.length;
      const address = `127.0.${20 + Math.floor(i / 200)}.${1 + (i % 200)}`;
      const opened = Rogue.open(first.port, address);
      rogues.push(opened);
      return opened;
    },
    async leave() {
      for (const rogue of rogues) (await rogue).destroy();
    },
    async named(dialect, name = world.newName(), hello = {}) {
      const rogue = await world.rogue();
      if (dialect === "json") {
        await rogue.upgrade("/ws");
        rogue.write(jsonFrame({ type: "hello", name, ...(await registered(name)), ...hello }));
        await rogue.heard(({ payload }) => payload.includes('"type":"welcome"'));
      } else {
        const offer = dialect === "classic" ? "" : `Sec-WebSocket-Protocol: ${dialect}\r\n`;
        const status = await rogue.upgrade(`/${queryOf(name)}`, offer);
        if (status !== "101") throw new Error(`${name} was refused with ${status}`);
        rogue.write(clientFrame([2, ...L(name)], BINARY));
        await rogue.heard(({ payload }) => payload[0] === 52);
      }
      rogue.frames.length = 0;
      return rogue;
    },
    async withRole(role, name = world.newName()) {
      if (!hasAccounts) throw new Error("here nobody has a role");
      await registered(name);
      const account = new Keys("tertulia").account(name as Name);
      if (role !== "user") await redis.client.hset(account, "role", role);
      return world.named("json", name);
    },
    async isWell() {
      for (const { child, log } of gateways) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error("a gateway ended");
        const bug = log.find(({ event }) => BUGS.has(String(event)));
        if (bug !== undefined) throw new Error(`a bug: ${JSON.stringify(bug)}`);
      }
      const text = `talk ${talks++}`;
      classic.says(4, L("~"), L(text));
      await json.awaits({ type: "message", from: "honest-bytes", text });
      json.says({ type: "publish", text });
      await classic.awaits(55, L("honest-json"), L(text));
    },
    lines: () => gateways.flatMap(({ log }) => log),
    descriptors: async () => {
      const counts = gateways.map(({ child }) => readdir(`/proc/${child.pid}/fd`));
      return (await Promise.all(counts)).reduce((sum, { length }) => sum + length, 0);
    },
    async close() {
      classic.vanish();
      json.vanish();
      await Promise.all(gateways.map((gateway) => gateway.close("SIGKILL")));
      await redis.close();
    },
  };
  return world;
}

export { frame, L };
