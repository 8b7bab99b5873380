/** The budget of all send queues of a node: the fattest reader goes first. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { QueueBudget, type Waiting } from "#tertulia/gateway/queue-budget.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { masked, upgradeRequest } from "../support/raw-socket.js";
import { startRedis } from "../support/redis.js";

class Queue implements Waiting {
  waitingBytes = 0;
  isCut = false;
  readonly #budget: QueueBudget;

  constructor(budget: QueueBudget) {
    this.#budget = budget;
  }

  /** More is written than the system takes. */
  holds(bytes: number): void {
    this.waitingBytes = bytes;
    this.#budget.note(this, bytes);
  }

  crowdedOut(): void {
    this.isCut = true;
    this.waitingBytes = 0;
  }
}

function queuesOf(budget: QueueBudget, ...bytes: number[]): Queue[] {
  return bytes.map((each) => {
    const queue = new Queue(budget);
    queue.holds(each);
    return queue;
  });
}

const cutOf = (queues: readonly Queue[]): boolean[] => queues.map(({ isCut }) => isCut);

test("the fattest readers go first, until there is room, and not before the turn is over", async () => {
  const budget = new QueueBudget(1_000);
  const queues = queuesOf(budget, 100, 400, 300, 150, 200);
  expect(cutOf(queues)).toEqual([false, false, false, false, false]);
  await nextTurn();
  expect(cutOf(queues)).toEqual([false, true, false, false, false]);
});

test("nobody is cut for what its socket has taken by then", async () => {
  const budget = new QueueBudget(1_000);
  const queues = queuesOf(budget, 600, 600);
  queues[0]!.waitingBytes = 10;
  await nextTurn();
  expect(cutOf(queues)).toEqual([false, false]);
  queues[1]!.holds(995);
  await nextTurn();
  expect(cutOf(queues)).toEqual([false, true]);
});

test("a queue that ends is not counted", async () => {
  const budget = new QueueBudget(1_000);
  const queues = queuesOf(budget, 600, 300);
  budget.note(queues[0]!, 0);
  queues[1]!.holds(900);
  await nextTurn();
  expect(cutOf(queues)).toEqual([false, false]);
});

test("near the budget, queues are not all looked at for each frame", async () => {
  const budget = new QueueBudget(1_000);
  let looks = 0;
  const still: Waiting = {
    get waitingBytes() {
      looks++;
      return 990;
    },
    crowdedOut: () => {},
  };
  const busy = new Queue(budget);
  budget.note(still, 990);
  for (let i = 0; i < 100; i++) {
    busy.holds(20); // too much
    busy.waitingBytes = 5; // taken at once
    await nextTurn();
  }
  expect(looks).toBeLessThan(5);
});

test("readers that never read do not take a node's memory; the others miss nothing", async () => {
  const redis = await startRedis();
  const budget = 3_000_000;
  const gateway = await node(redis.url, {
    CLASSIC_REPLY_MAX_BYTES: 65_536,
    QUEUE_MAX_BYTES: budget,
    MAX_QUEUED_BYTES: budget,
    REQUESTS_PER_SECOND: 100_000,
  });
  try {
    const ana = await ClassicClient.connect(gateway.port, "ana");
    for (let i = 0; i < 255; i++) ana.says(4, L("~"), L("x".repeat(255)));
    await ana.settles();
    const deaf = await Promise.all([1, 2, 3, 4].map((i) => deafClient(gateway.port, `deaf${i}`)));
    for (const socket of deaf) for (let i = 0; i < 200; i++) socket.write(masked([5, 1, 0x7e]));
    const slow = (): unknown[] => gateway.log.filter(({ event }) => event === "slow_reader");
    await eventually(() => expect(slow()[0]).toMatchObject({ why: "crowded" }));
    ana.says(4, L("~"), L("still here"));
    await ana.awaits(55, L("ana"), L("still here"));
    expect(gateway.counters.queuedBytes.read()).toBeLessThan(budget * 1.1);
    for (const socket of deaf) socket.destroy();
    ana.vanish();
  } finally {
    await gateway.close();
    await redis.close();
  }
});

/** Connects, and reads nothing after the 101. */
async function deafClient(port: number, name: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // it will be cut
  socket.write(upgradeRequest(`/?name=${name}`));
  await once(socket, "data");
  return socket.pause();
}
