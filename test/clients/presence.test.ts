/** Presence against a model: whatever joins, leaves and changes, after quiet every view equals it. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Status, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import type { Node } from "#tertulia/node.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at } from "../support/sdk-scene.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

type Act =
  | { readonly do: "join" | "leave" | "vanish"; readonly who: number; readonly where: number }
  | { readonly do: "status"; readonly who: number; readonly status: Status };

const who = fc.nat(7);
const where = fc.nat(1);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("join" as const), who, where }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), who, where }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("vanish" as const), who, where }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("status" as const),
      who,
      status: fc.constantFrom<Status>("active", "busy"),
    }),
  },
);

/** A constructor of sockets that a test can cut, and those it made. */
function cuttable(): { readonly WebSocket: typeof WebSocket; readonly cut: () => void } {
  const made: WebSocket[] = [];
  class Cuttable extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      made.push(this);
    }
  }
  return {
    WebSocket: Cuttable as typeof WebSocket,
    cut: () => made.forEach((each) => each.terminate()),
  };
}

class World {
  readonly #nodes: readonly Node[];
  readonly #model = new Map<string, Status>();
  readonly #clients = new Map<string, Tertulia>();
  readonly #cuts = new Map<string, () => void>();
  readonly #followed = new Map<string, Map<string, Status>>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  async run(each: Act): Promise<void> {
    const name = `user-${each.who}`;
    const client = this.#clients.get(name);
    if (each.do === "join" && client === undefined) await this.#join(name, each.where);
    if (client === undefined) return;
    if (each.do === "leave") {
      await client.close();
      this.#clients.delete(name);
      this.#model.delete(name);
    } else if (each.do === "vanish") {
      this.#cuts.get(name)!(); // it comes back by itself
    } else if (each.do === "status") {
      await client.setStatus(each.status);
      this.#model.set(name, each.status);
    }
  }

  async #join(name: string, where: number): Promise<void> {
    // a name is free a moment after the bye, or when a connection that was cut lingers no more
    const client = await eventually(async () => {
      const urls = at(this.#nodes[where]!, this.#nodes[1 - where]!);
      const { cut, WebSocket } = cuttable();
      const joining = connect(urls, { name, WebSocket });
      await joining.joined();
      this.#cuts.set(name, cut);
      return joining;
    });
    this.#clients.set(name, client);
    this.#model.set(name, "active");
    const followed = new Map<string, Status>();
    this.#followed.set(name, followed);
    client.on("presence", ({ set, gone }) => {
      for (const left of gone) followed.delete(left);
      for (const [other, status] of set) followed.set(other, status);
    });
    await client.presence.watch();
  }

  /** Every view, and what its events add up to. */
  async equalsModel(): Promise<void> {
    await eventually(() => {
      for (const [name, { presence }] of this.#clients) {
        expect(presence.people, name).toEqual(this.#model);
        expect(presence.count, name).toBe(this.#model.size);
        expect(this.#followed.get(name), name).toEqual(this.#model);
      }
    });
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await client.close();
  }
}

test("after any joins, leaves, cuts and changes on two gateways every view equals the model", async () => {
  const linger = { PRESENCE_LINGER_MS: 500 };
  const nodes = [await node(redis.url, linger), await node(redis.url, linger)];
  const batches = fc.array(fc.array(act, { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(batches, async (rounds) => {
      const world = new World(nodes);
      try {
        for (const acts of rounds) {
          for (const each of acts) await world.run(each);
          await world.equalsModel();
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: 15, interruptAfterTimeLimit: 25_000 },
  );
  await Promise.all(nodes.map((each) => each.close()));
}, 90_000);
