/** The nemesis: does one bad thing after the other, from a seed, and heals each before the next. */
import { setTimeout as pause } from "node:timers/promises";
import type { Cluster, Gateway } from "./cluster.js";
import type { History } from "./history.js";
import type { Mode } from "./proxy.js";
import type { Random } from "./random.js";

/** Does its harm to the victim for a while, and heals it. `victim` is random; `leader` if asked for. */
type Fault = (cluster: Cluster, victim: Gateway, random: Random) => Promise<void>;

/** Longer than a lease, in some cases: then the victim is taken for dead. */
const MOMENT: [number, number] = [200, 1_500];
const LONG: [number, number] = [4_500, 6_500];

const atEdge =
  (mode: Mode, roles: readonly string[], [least, most]: [number, number]): Fault =>
  async (_cluster, { toRedis }, random) => {
    toRedis.set(mode, random.pick(roles));
    await pause(random.between(least, most));
    toRedis.set("pass");
  };

const ROLES = ["command", "duty", "subscriber", "*"];

const restart =
  (signal: "SIGKILL" | "SIGTERM"): Fault =>
  async (_cluster, victim, random) => {
    await victim.signal(signal);
    await pause(random.between(...MOMENT));
    victim.start();
  };

const freeze =
  (times: [number, number]): Fault =>
  async (_cluster, victim, random) => {
    await victim.signal("SIGSTOP");
    await pause(random.between(...times));
    await victim.signal("SIGCONT");
  };

/** By name; `everybody`: it reaches all gateways. */
export const FAULTS: Readonly<
  Record<string, { readonly run: Fault; readonly reach: "victim" | "leader" | "everybody" }>
> = {
  "kill-gateway": { run: restart("SIGKILL"), reach: "victim" },
  "kill-leader": { run: restart("SIGKILL"), reach: "leader" },
  "stop-gateway": { run: restart("SIGTERM"), reach: "victim" },
  "freeze-gateway": { run: freeze(MOMENT), reach: "victim" },
  "freeze-leader-long": { run: freeze(LONG), reach: "leader" },
  "cut-subscriber": {
    run: async (_cluster, { toRedis }) => void toRedis.cut("subscriber"),
    reach: "victim",
  },
  "cut-redis": { run: async (_cluster, { toRedis }) => void toRedis.cut(), reach: "victim" },
  "half-close-redis": {
    run: async (_cluster, { toRedis }) => void toRedis.cut("*", "half-close"),
    reach: "victim",
  },
  "cut-clients": { run: async (_cluster, { toClients }) => void toClients.cut(), reach: "victim" },
  "blackhole-redis": { run: atEdge("blackhole", ROLES, MOMENT), reach: "victim" },
  "blackhole-redis-long": { run: atEdge("blackhole", ["*"], LONG), reach: "victim" },
  "mute-redis": { run: muteThenCut, reach: "victim" },
  "delay-redis": { run: atEdge("delay", ROLES, MOMENT), reach: "victim" },
  "throttle-redis": { run: atEdge("throttle", ROLES, MOMENT), reach: "victim" },
  "kill-subscriptions": {
    run: async ({ admin }) => void (await admin.call("CLIENT", "KILL", "TYPE", "pubsub")),
    reach: "everybody",
  },
  "flush-functions": {
    run: async ({ admin }) => void (await admin.call("FUNCTION", "FLUSH")),
    reach: "everybody",
  },
  "full-redis": { run: fullRedis, reach: "everybody" },
  "slow-redis": {
    run: async ({ admin }, _victim, random) =>
      void (await admin.call("DEBUG", "SLEEP", String(random.between(0.5, 4.5)))),
    reach: "everybody",
  },
  "restart-redis": { run: restartRedis, reach: "everybody" },
  "rolling-restart": { run: rollingRestart, reach: "everybody" },
};

/** Requests arrive, their replies are lost: what was done must not be done again. */
async function muteThenCut(_cluster: Cluster, { toRedis }: Gateway, random: Random): Promise<void> {
  toRedis.set("mute", "command");
  await pause(random.between(100, 800));
  toRedis.cut("command");
  toRedis.set("pass");
}

async function fullRedis({ admin }: Cluster, _victim: Gateway, random: Random): Promise<void> {
  await admin.config("SET", "maxmemory", "1");
  await pause(random.between(...MOMENT));
  await admin.config("SET", "maxmemory", "0");
}

async function restartRedis(cluster: Cluster, _victim: Gateway, random: Random): Promise<void> {
  await cluster.killRedis();
  await pause(random.between(...MOMENT));
  await cluster.reviveRedis();
}

async function rollingRestart(cluster: Cluster): Promise<void> {
  for (const gateway of cluster.gateways) {
    await gateway.signal("SIGTERM");
    gateway.start();
    await cluster.untilReady();
  }
}

export class Nemesis {
  readonly counts = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #history: History;
  readonly #random: Random;
  readonly #names: readonly string[];

  /** @throws Error if a name is no fault's. */
  constructor(cluster: Cluster, history: History, random: Random, names: readonly string[]) {
    const unknown = names.find((name) => FAULTS[name] === undefined);
    if (unknown !== undefined) {
      throw new Error(`no such fault: ${unknown}; there are ${Object.keys(FAULTS).join(" ")}`);
    }
    this.#cluster = cluster;
    this.#history = history;
    this.#random = random;
    this.#names = names;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Until the time is up; each fault is healed, and the cluster ready again, before the next one. */
  async run(untilMs: number): Promise<void> {
    // every fault in turn, in an order of the seed's, so that a long run has them all
    let round: string[] = [];
    while (performance.now() < untilMs) {
      await pause(this.#random.between(300, 1_500));
      if (this.#names.length === 0) continue;
      if (round.length === 0) round = this.#shuffled();
      await this.#inflict(round.pop()!);
    }
  }

  async #inflict(name: string): Promise<void> {
    const { run, reach } = FAULTS[name]!;
    const { gateways, leader } = this.#cluster;
    const victim =
      reach === "leader" && leader !== undefined ? leader : this.#random.pick(gateways);
    const reached = reach === "everybody" ? gateways.map(({ index }) => index) : [victim.index];
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#history.add({ kind: "fault", what: name, gateways: reached });
    await run(this.#cluster, victim, this.#random);
    await this.#cluster.untilReady();
    this.#history.add({ kind: "healed", what: name });
    // what follows from it (users taken for dead, claimed again) is its consequence as well
    this.#history.add({ kind: "fault", what: `after ${name}`, gateways: reached });
  }

  #shuffled(): string[] {
    return this.#names
      .map((name) => ({ name, rank: this.#random.next() }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ name }) => name);
  }
}
