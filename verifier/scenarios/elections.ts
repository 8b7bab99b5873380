/** Elections: one leader after the other is frozen, stopped or killed; none may act after another one has. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { ALL_BUCKETS, Keys } from "#tertulia/redis/keys.js";
import { Cluster } from "../cluster.js";
import { medianAndMax } from "../figures.js";
import type { GatewayProcess } from "../gateway-process.js";
import { Random } from "../random.js";
import { until } from "../until.js";
import { tokensRise } from "../rules/cluster.js";
import { Tally, judged, type Rule } from "../rules/rule.js";
import { TOKENS_RISE } from "../rules/rules.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

export const STALE_CANNOT_ACT: Rule = {
  id: "stale-leader-cannot-act",
  sentence: "a leader whose time is over can do nothing",
  needs: "acts with a token that was over",
};

/** Short times, so that many elections fit into minutes. */
const ENVIRONMENT = {
  LEASE_MS: "1000",
  BEAT_MS: "200",
  REDIS_COMMAND_TIMEOUT_MS: "500",
  ELECTION_MS: "100",
};

const keys = new Keys("tertulia");

export async function elections(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
): Promise<ScenarioResult> {
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-elections-"));
  const now = (): number => performance.now();
  const environment = ENVIRONMENT;
  const cluster = await Cluster.start({ topology, gateways, dist, dataDir, environment, now });
  const tally = new Tally([STALE_CANNOT_ACT]);
  const times: number[] = [];
  const acts = { refused: 0, done: 0 };
  try {
    for (let round = 1; round <= count; round++) {
      await until("somebody leads", () => cluster.leader !== undefined);
      const old = cluster.leader!;
      const token = old.token!;
      const since = now();
      const heal = await overthrow(old, random);
      await until(`a leader after ${token}`, () => isFollowed(cluster, token));
      times.push(now() - since);
      const primary = await cluster.redis.primary();
      await until("the next leader has acted", () => isFencedOff(primary, token));
      await heal();
      await actAs(token, primary, acts, tally);
      await cluster.untilReady();
    }
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
  return {
    judgements: [judged(TOKENS_RISE, tokensRise(cluster.logs.terms)), ...tally.judgements],
    figures: {
      elections: times.length,
      terms: cluster.logs.terms.length,
      "next leader after ms": medianAndMax(times),
      "acts with a token that was over": acts.refused + acts.done,
      "of these refused": acts.refused,
      "gateways that found themselves superseded": cluster.logs.seen.get("leader_superseded") ?? 0,
    },
    voidBecause: acts.refused + acts.done === 0 ? "nobody tried to act" : undefined,
  };
}

/** Ends the leader's term. Returns what starts the gateway again. */
async function overthrow(leader: GatewayProcess, random: Random): Promise<() => Promise<void>> {
  const chance = random.next();
  if (chance < 0.6) {
    await leader.signal("SIGSTOP");
    return () => leader.signal("SIGCONT");
  }
  await leader.signal(chance < 0.8 ? "SIGTERM" : "SIGKILL");
  return async () => leader.start();
}

function isFollowed({ logs: { terms } }: Cluster, token: string): boolean {
  return (
    terms.findLastIndex((term) => term.token !== token) >
    terms.findIndex((term) => term.token === token)
  );
}

/** Whether a leader with a higher token has acted in every bucket. */
async function isFencedOff(primary: Redis, token: string): Promise<boolean> {
  const fences = await Promise.all(
    ALL_BUCKETS.map((bucket) => primary.hget(keys.meta(bucket), "fence")),
  );
  return fences.every((fence) => fence !== null && fence > token);
}

/** Does what a leader would do that does not know yet: in every bucket it sweeps, and reaps a node. */
async function actAs(
  token: string,
  primary: Redis,
  acts: { refused: number; done: number },
  tally: Tally,
): Promise<void> {
  const version = await loadedVersion(primary);
  const act = async (name: string, bucket: number, args: string[]): Promise<void> => {
    const touched = keys.ofUsers(bucket, "nobody");
    tally.saw(STALE_CANNOT_ACT);
    try {
      await primary.fcall(`${name}_${version}`, touched.length, ...touched, token, ...args, "0-0");
      acts.done++;
      tally.broke(STALE_CANNOT_ACT, `${name} with ${token} in bucket ${bucket}`);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("STALE"))) throw error;
      acts.refused++;
    }
  };
  for (const bucket of ALL_BUCKETS) {
    await act("sweep", bucket, ["60000", "1500", "200"]);
    await act("reap", bucket, ["nobody", "1500", "200"]);
  }
}

/** The version of the functions that the gateways have loaded. */
async function loadedVersion(primary: Redis): Promise<string> {
  const libraries = JSON.stringify(await primary.call("FUNCTION", "LIST"));
  return /"tertulia_(\w+)"/.exec(libraries)![1]!;
}
