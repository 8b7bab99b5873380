/** The nemesis: does one fault after the other, in an order from a seed, and heals each before the next. */
import { setTimeout as pause } from "node:timers/promises";
import type { Cluster } from "./cluster.js";
import * as failovers from "./failovers.js";
import type { Fault, Scene } from "./fault.js";
import type { History } from "./history.js";
import type { AckLevel } from "./rules/run-history.js";
import type { Mode } from "./proxy.js";
import { shuffled, type Random } from "./random.js";
import type { Topology } from "./redis-side.js";

interface FaultEntry {
  readonly run: Fault;
  /** Which gateways it harms. */
  readonly reach: "victim" | "leader" | "everybody";
  /** Only gateways of the judged release are harmed: the one beside it may fail. */
  readonly onlyOfJudged?: true;
  /** Default: both topologies. */
  readonly topology?: Topology;
  /** Another server takes over, which may lack the messages that were acknowledged last. */
  readonly rollsBack?: true;
  /** Messages that replicas have may be lost as well. */
  readonly takesReplicated?: true;
  /** All of Redis is away for a while: longer than a failover takes. */
  readonly isOutage?: true;
}

/** In milliseconds. `LONG` is longer than a lease in some cases: then the victim is taken for dead. */
const MOMENT: [number, number] = [200, 1_500];
const LONG: [number, number] = [4_500, 6_500];
/** Until a gateway that alone is cut off closes its connections: four seconds, ten more, and three to do it. */
const STRANDED: [number, number] = [17_000, 19_000];

const atEdge =
  (mode: Mode, roles: readonly string[], [least, most]: [number, number]): Fault =>
  async ({ victim: { toRedis }, random }) => {
    toRedis.set(mode, random.pick(roles));
    await pause(random.between(least, most));
    toRedis.set("pass");
  };

const ROLES = ["command", "duty", "subscriber", "*"];

const restart =
  (signal: "SIGKILL" | "SIGTERM"): Fault =>
  async ({ victim, random, down }) => {
    if (signal === "SIGKILL") down();
    await victim.signal(signal);
    await pause(random.between(...MOMENT));
    victim.start();
  };

const freeze =
  (times: [number, number]): Fault =>
  async ({ victim, random }) => {
    await victim.signal("SIGSTOP");
    await pause(random.between(...times));
    await victim.signal("SIGCONT");
  };

const everybody = (run: Fault): FaultEntry => ({ run, reach: "everybody" });
const ofSingle = (run: Fault): FaultEntry => ({ ...everybody(run), topology: "single" });
const ofSentinel = (run: Fault): FaultEntry => ({ ...everybody(run), topology: "sentinel" });
const rollingBack = (run: Fault): FaultEntry => ({ ...ofSentinel(run), rollsBack: true });

export const FAULTS: Readonly<Record<string, FaultEntry>> = {
  "kill-gateway": { run: restart("SIGKILL"), reach: "victim" },
  "kill-leader": { run: restart("SIGKILL"), reach: "leader" },
  "stop-gateway": { run: restart("SIGTERM"), reach: "victim" },
  "freeze-gateway": { run: freeze(MOMENT), reach: "victim" },
  "freeze-leader-long": { run: freeze(LONG), reach: "leader" },
  "cut-subscriber": {
    run: async ({ victim }) => victim.toRedis.cut("subscriber"),
    reach: "victim",
  },
  "cut-redis": { run: async ({ victim }) => victim.toRedis.cut(), reach: "victim" },
  "half-close-redis": {
    run: async ({ victim }) => victim.toRedis.cut("*", "half-close"),
    reach: "victim",
  },
  "cut-clients": { run: async ({ victim }) => void victim.toClients.cut(), reach: "victim" },
  "blackhole-redis": { run: atEdge("blackhole", ROLES, MOMENT), reach: "victim" },
  "blackhole-redis-long": { run: atEdge("blackhole", ["*"], LONG), reach: "victim" },
  "strand-gateway": { run: atEdge("blackhole", ["*"], STRANDED), reach: "victim" },
  // 0.1.0 did not close classic clients that had missed messages
  "trim-logs": { run: trimLogs, reach: "victim", onlyOfJudged: true },
  "mute-redis": { run: muteThenCut, reach: "victim" },
  "delay-redis": { run: atEdge("delay", ROLES, MOMENT), reach: "victim" },
  "throttle-redis": { run: atEdge("throttle", ROLES, MOMENT), reach: "victim" },
  "clock-offset": { run: clockOffset, reach: "victim" },
  "kill-subscriptions": everybody(async ({ cluster: { redis } }) => {
    await (await redis.primary()).call("CLIENT", "KILL", "TYPE", "pubsub");
  }),
  "flush-functions": everybody(async ({ cluster: { redis } }) => {
    await (await redis.primary()).call("FUNCTION", "FLUSH");
  }),
  "full-redis": everybody(fullRedis),
  "rolling-restart": everybody(rollingRestart),
  "slow-redis": ofSingle(async ({ cluster: { redis }, random }) => {
    await (await redis.primary()).call("DEBUG", "SLEEP", String(random.between(0.5, 4.5)));
  }),
  "restart-redis": ofSingle(restartRedis),
  "old-volume": { ...ofSingle(oldVolume), rollsBack: true, takesReplicated: true },
  failover: rollingBack(failovers.failover),
  "lossy-failover": rollingBack(failovers.lossyFailover),
  "freeze-primary": rollingBack(failovers.freezePrimary),
  "freeze-machine": rollingBack(failovers.freezeMachine),
  "asked-failover": rollingBack(failovers.askedFailover),
  "stale-primary": {
    ...rollingBack(failovers.stalePrimary),
    isOutage: true,
    takesReplicated: true,
  },
  "cut-replication": ofSentinel(failovers.cutReplication),
};

/** The faults that a run can have. */
export function faultsOf(topology: Topology, ack: AckLevel = "fast"): string[] {
  return Object.entries(FAULTS)
    .filter(([, fault]) => fault.topology === undefined || fault.topology === topology)
    .filter(([, fault]) => ack === "fast" || fault.takesReplicated !== true)
    .map(([name]) => name);
}

/** Requests arrive but their replies are lost: what was done must not be done again. */
async function muteThenCut({ victim: { toRedis }, random }: Scene): Promise<void> {
  toRedis.set("mute", "command");
  await pause(random.between(100, 800));
  toRedis.cut("command");
  toRedis.set("pass");
}

/** A gateway is away while the logs are trimmed, as if it were away for more than a minute. */
async function trimLogs({ cluster: { redis }, victim: { toRedis }, random }: Scene): Promise<void> {
  toRedis.set("blackhole");
  await pause(random.between(...MOMENT));
  toRedis.cut(); // otherwise the connections still hold what was published
  const primary = await redis.primary();
  for (const log of await primary.keys("*:log")) await primary.xtrim(log, "MAXLEN", 1);
  toRedis.set("pass");
}

/** A machine's wall clock is wrong by minutes, and jumps: the chat must not depend on it. */
async function clockOffset({ victim, random }: Scene): Promise<void> {
  await victim.signal("SIGTERM");
  const minutes = random.between(2, 10) * (random.next() < 0.5 ? -1 : 1);
  victim.start(Math.round(minutes * 60_000));
  await pause(random.between(...LONG));
}

async function fullRedis({ cluster: { redis }, random }: Scene): Promise<void> {
  const primary = await redis.primary();
  await primary.config("SET", "maxmemory", "1");
  await pause(random.between(...MOMENT));
  await primary.config("SET", "maxmemory", "0");
}

async function restartRedis({ cluster: { singleRedis }, random, down }: Scene): Promise<void> {
  down();
  await singleRedis.kill();
  await pause(random.between(...MOMENT));
  await singleRedis.revive();
}

/** Redis comes back on an older copy of its data, as from a backup. */
async function oldVolume({ cluster: { singleRedis }, random, down }: Scene): Promise<void> {
  const putBack = await singleRedis.backUp();
  await pause(random.between(500, 2_000));
  down();
  await singleRedis.kill();
  await putBack();
  await singleRedis.revive();
}

async function rollingRestart({ cluster }: Scene): Promise<void> {
  for (const gateway of cluster.gateways) {
    await gateway.signal("SIGTERM");
    gateway.start();
    await cluster.untilReady();
  }
}

/** @throws Error if there is no such fault, or if the run cannot have it. */
export function requireFaults(names: readonly string[], topology: Topology, ack: AckLevel): void {
  for (const name of names) {
    const needed = FAULTS[name]?.topology ?? topology;
    if (FAULTS[name] === undefined) {
      throw new Error(`no such fault: ${name}; there are ${Object.keys(FAULTS).join(" ")}`);
    }
    if (needed !== topology) throw new Error(`fault ${name} needs --topology ${needed}`);
    if (!faultsOf(topology, ack).includes(name)) throw new Error(`fault ${name} needs --ack fast`);
  }
}

export class Nemesis {
  readonly counts = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #history: History;
  readonly #random: Random;
  readonly #names: readonly string[];

  constructor(cluster: Cluster, history: History, random: Random, names: readonly string[]) {
    this.#cluster = cluster;
    this.#history = history;
    this.#random = random;
    this.#names = names;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Runs until the time is up. Each fault is healed, and the cluster ready again, before the next one. */
  async run(untilMs: number): Promise<void> {
    // each fault once a round, in a random order, so that a long run has all of them
    let round: string[] = [];
    while (performance.now() < untilMs) {
      await pause(this.#random.between(300, 1_500));
      if (this.#names.length === 0) continue;
      if (round.length === 0) round = shuffled(this.#names, this.#random);
      await this.#inflict(round.pop()!);
    }
  }

  async #inflict(name: string): Promise<void> {
    const { run, reach, rollsBack = false, isOutage, onlyOfJudged } = FAULTS[name]!;
    const { gateways, leader } = this.#cluster;
    const able = onlyOfJudged ? gateways.filter(({ isJudged }) => isJudged) : gateways;
    if (able.length === 0) return;
    const victim = reach === "leader" && leader !== undefined ? leader : this.#random.pick(able);
    const reached = reach === "everybody" ? gateways.map(({ index }) => index) : [victim.index];
    const gone = reach === "everybody" ? [] : [victim.index];
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const outage = isOutage && { isOutage };
    this.#history.add({ kind: "fault", what: name, gateways: reached, rollsBack, ...outage });
    const down = (): void => void this.#history.add({ kind: "down", what: name, gateways: gone });
    await run({ cluster: this.#cluster, victim, random: this.#random, down });
    await this.#cluster.untilReady();
    this.#history.add({ kind: "healed", what: name });
    // what follows (users are taken for dead, names are claimed again) is a consequence of the fault as well
    const after = { what: `after ${name}`, gateways: reached, rollsBack: false };
    this.#history.add({ kind: "fault", ...after });
  }
}
