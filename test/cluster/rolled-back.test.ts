/** Redis comes to hold older data than the gateways have seen: they say so, and no number is given twice. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventsOf, isEphemeral, positionOf } from "#tertulia/redis/events.js";
import { BUCKETS, bucketOfConversation } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { Relay } from "../support/relay.js";
import { samplesOf } from "../support/samples.js";
import { at, join, upTo } from "../support/sdk-scene.js";

const GENERAL = bucketOfConversation({ kind: "general" });

type TestNode = Awaited<ReturnType<typeof node>>;

let first: TestRedis;
let second: TestRedis;
let relay: Relay;
let nodes: TestNode[];
const clients: ClassicClient[] = [];

beforeEach(async () => {
  [first, second] = await Promise.all([startRedis(), startRedis()]);
  relay = await Relay.to(first.port);
  nodes = await Promise.all([1, 2].map(() => node(relay.url)));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
  await relay.close();
  await Promise.all([first.close(), second.close()]);
});

/** The second server has all that the first has, takes over, and the first is left as it is. */
async function failOver(): Promise<void> {
  await second.client.replicaof("127.0.0.1", first.port);
  await eventually(async () => {
    expect(await second.client.info("replication")).toContain("master_link_status:up");
    const [here, there] = await Promise.all([first, second].map(offset));
    expect(there).toBe(here);
  });
  await second.client.replicaof("NO", "ONE");
  relay.turn(second.port);
}

async function offset({ client }: TestRedis): Promise<number> {
  const about = await client.info("replication");
  return Number(/^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(about)![1]);
}

/** Every event that a server has published, by its position, with what it was. */
async function watch({ client }: TestRedis, positions: Map<string, Set<string>>): Promise<void> {
  const ear = client.duplicate();
  ear.on("error", () => {});
  ear.on("pmessageBuffer", (_pattern, channel: Buffer, bytes: Buffer) => {
    if (isEphemeral(bytes)) return;
    for (const event of eventsOf(bytes)) {
      const { generation, offset } = positionOf(event);
      const key = `${channel.toString()} ${generation}-${offset}`;
      positions.set(key, (positions.get(key) ?? new Set()).add(event.toString("base64")));
    }
  });
  await ear.psubscribe("tertulia:*:log");
}

async function value({ counters }: TestNode, metric: string): Promise<number> {
  const text = await counters.registry.metrics();
  return Number(new RegExp(`^tertulia_${metric} (.*)$`, "m").exec(text)?.[1]);
}

const lines = ({ log }: TestNode, event: string): TestNode["log"] =>
  log.filter((line) => line["event"] === event);

/** All keys of a server as they are now; what is returned puts them back, in place of all that is there. */
async function backup({ client }: TestRedis): Promise<() => Promise<void>> {
  const keys = await client.keys("*");
  const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
  return async () => {
    const restoring = client.multi().flushall();
    for (const [i, key] of keys.entries()) {
      if (values[i] !== null) restoring.restore(key, 0, values[i]!);
    }
    await restoring.exec();
  };
}

/** All gateways know the generation that began last, and nothing has happened in it yet. */
async function untilEntered(): Promise<void> {
  const count = async (): Promise<number[]> =>
    Promise.all(
      nodes.map(async ({ counters }) => {
        const samples = await samplesOf(counters, "redis_call_seconds");
        const isCount = ({ metricName, labels }: (typeof samples)[number]): boolean =>
          metricName?.endsWith("_count") === true && labels["function"] === "beat";
        return samples.find(isCount)?.value ?? 0;
      }),
    );
  const before = await count();
  await eventually(async () => {
    for (const [i, now] of (await count()).entries()) {
      expect(now).toBeGreaterThan(before[i]! + 3 * BUCKETS);
    }
  });
}

/** Each prepares a way back to what is there at that moment; what that returns goes there. */
const ways: Record<string, () => Promise<() => Promise<unknown>>> = {
  "a stale primary is restarted with its old volume, and is primary again": async () => {
    await failOver();
    return async () => {
      await first.kill();
      await first.revive();
      relay.turn(first.port);
    };
  },
  "a stale primary, which ran all the time, is primary again": async () => {
    await failOver();
    return async () => relay.turn(first.port);
  },
  "a stale replica becomes the primary, after a generation in which nothing was said": async () => {
    await failOver();
    relay.turn(first.port);
    return async () => {
      await first.kill();
      await first.revive();
      await untilEntered();
      relay.turn(second.port);
    };
  },
  "keys are restored from a backup while Redis runs": () => backup(first),
  "Redis is emptied": async () => async () => first.client.flushall(),
  "Redis is emptied, after a generation in which nothing was said": async () => async () => {
    await first.kill();
    await first.revive();
    await untilEntered();
    await first.client.flushall();
  },
  "Redis comes back without its volume": async () => async () => {
    await first.kill();
    relay.turn(second.port);
  },
};

for (const [what, prepare] of Object.entries(ways)) {
  test(`${what}: the loss is logged as an error once, and clients are told`, async () => {
    const [ana, bob] = [join(at(nodes[0]!)), join(at(nodes[1]!), { name: "bob" })];
    const eva = await ClassicClient.connect(nodes[1]!.port, "eva");
    clients.push(eva);
    await Promise.all([ana.chat.joined(), bob.chat.joined()]);
    for (const i of upTo(3)) await ana.chat.publish("~", `old ${i}`);
    await eventually(() => expect(bob.seqs).toEqual([1, 2, 3]));
    const positions = new Map<string, Set<string>>();
    await Promise.all([watch(first, positions), watch(second, positions)]);
    const goBack = await prepare();
    for (const i of upTo(4)) await bob.chat.publish("~", `lost ${i}`);
    await eventually(() => expect(ana.seqs).toEqual(upTo(7)));
    for (const each of nodes) expect(lines(each, "rolled_back")).toEqual([]);

    await goBack();
    const areTold = (): Promise<void> =>
      eventually(() => {
        for (const each of [ana, bob]) {
          expect(each.gaps.map(({ reason }) => reason)).toEqual(["rolled_back"]);
        }
      }, 30_000);
    // said at once, it must not get a number of what is lost; else nobody needs it to be told
    if (!what.includes("restored")) await areTold();
    const { seq } = await ana.chat.publish("~", "new");
    expect(seq).toBe(what.includes("emptied") || what.includes("without") ? 1 : 4);
    await areTold();
    await bob.chat.publish("~", "and on");
    await eventually(() => {
      for (const each of [ana, bob]) {
        expect(each.messages.at(-1)).toMatchObject({ seq: seq + 1, text: "and on" });
      }
    });
    await eva.awaits(55, L("bob"), L("and on"));
    await eventually(async () => {
      for (const each of nodes) {
        const said = lines(each, "rolled_back");
        expect(said.map(({ level }) => level)).toContain(50);
        const losses = said.flatMap(
          (line) => line["buckets"] as { bucket: number; events: number }[],
        );
        const buckets = losses.map(({ bucket }) => bucket);
        expect(buckets, "each once").toEqual([...new Set(buckets)]);
        const { events } = losses.find(({ bucket }) => bucket === GENERAL)!;
        expect(events).toBeGreaterThanOrEqual(4);
        expect(await value(each, "rollbacks_total")).toBe(said.length);
      }
    });
    const asker = await JsonClient.hello(nodes[0]!.port, "asker");
    const { set } = await asker.asks({ type: "presence" });
    asker.vanish();
    const present = (set as [string, string][]).map(([name]) => name);
    expect(present).toEqual(expect.arrayContaining(["ana", "bob", "eva"]));
    for (const [position, events] of positions) expect(events.size, position).toBe(1);
    const terms = nodes
      .flatMap(({ log }) => log.filter(({ msg }) => msg === "began to lead"))
      .toSorted((a, b) => Number(a["time"]) - Number(b["time"]))
      .map(({ token }) => token as string);
    expect(terms).toEqual([...new Set(terms)].toSorted());
  });
}

for (const dies of [false, true]) {
  const who = dies ? "on a node that is dead since" : "on nodes that live";
  test(`names that older data gives to old sessions, ${who}, stay with their owners`, async () => {
    const then = dies ? await node(relay.url) : nodes[0]!;
    const connect = async (name: string, there: TestNode): Promise<ClassicClient> => {
      const client = await ClassicClient.connect(there.port, name);
      clients.push(client);
      return client;
    };
    const before = await Promise.all(["eva", "tom", "max"].map((name) => connect(name, then)));
    await failOver();
    for (const client of before) await client.settles();
    for (const client of before) client.vanish();
    if (dies) await then.close();
    const [eva, tom, zoe] = await Promise.all([
      eventually(() => connect("eva", nodes[1]!)),
      eventually(() => connect("tom", nodes[0]!)),
      connect("zoe", nodes[1]!),
    ]);
    for (const client of [eva, tom, zoe]) await client.settles();
    await first.kill();
    await first.revive();
    relay.turn(first.port);
    await eventually(() => {
      for (const each of nodes) expect(lines(each, "rolled_back")).not.toEqual([]);
    });
    for (const client of [eva, tom, zoe]) client.patienceMs = 20_000;
    for (const [i, client] of [eva, tom, zoe].entries()) {
      const text = L(`it is ${i}`);
      await eventually(async () => {
        client.says(4, L("~"), text);
        await zoe.awaits(55, L(["eva", "tom", "zoe"][i]!), text);
      }, 30_000);
    }
    await eventually(async () => {
      const asker = await JsonClient.hello(nodes[0]!.port, "asker");
      const { set } = await asker.asks({ type: "presence" });
      asker.vanish();
      const present = (set as [string, string][]).map(([name]) => name);
      expect(present).toEqual(expect.arrayContaining(["eva", "tom", "zoe"]));
      expect(present).not.toContain("max");
    }, 30_000);
  });
}
