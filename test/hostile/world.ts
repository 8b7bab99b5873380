/** Two gateways, as processes, one Redis, and honest clients who talk to each other after each hostile input. */
import { readdir } from "node:fs/promises";
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
  /** With a name and past its greeting. */
  named(dialect: Dialect, name?: string, hello?: object): Promise<Rogue>;
  /** Throws unless both gateways live, wrote no line that tells of a bug, and everybody hears everybody. */
  isWell(): Promise<void>;
  lines(): LogLine[];
  descriptors(): Promise<number>;
  close(): Promise<void>;
}

export async function openWorld(environment: Record<string, string | number> = {}): Promise<World> {
  const redis = await startRedis();
  const start = (): Promise<NodeProcess> =>
    nodeProcess({ REDIS_URL: redis.url, LOG_LEVEL: "info", ...environment });
  const gateways = [await start(), await start()] as const;
  const [first, second] = gateways;
  const classic = await ClassicClient.connect(first.port, "honest-bytes");
  const json = await JsonClient.hello(second.port, "honest-json");
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
        rogue.write(jsonFrame({ type: "hello", name, ...hello }));
        await rogue.heard(({ payload }) => payload.includes('"type":"welcome"'));
      } else {
        const offer = dialect === "classic" ? "" : `Sec-WebSocket-Protocol: ${dialect}\r\n`;
        const status = await rogue.upgrade(`/?name=${encodeURIComponent(name)}`, offer);
        if (status !== "101") throw new Error(`${name} was refused with ${status}`);
        rogue.write(clientFrame([2, ...L(name)], BINARY));
        await rogue.heard(({ payload }) => payload[0] === 52);
      }
      rogue.frames.length = 0;
      return rogue;
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
