/** What a Sentinel says of itself, and the rules for it. */
import { isIP } from "node:net";
import type { Redis } from "ioredis";
import type { Place } from "../redis/address.js";
import { dial, isLoopback, opensToAll, formatPlace, type Endpoint } from "./dial.js";
import { pairs, placeOf } from "./server.js";
import { ok, warning, wrong, type Rule } from "./verdict.js";

export interface SentinelSeen {
  readonly name: string;
  readonly primary: Place;
  /** `SENTINEL MASTER`; undefined if this user may not ask. */
  readonly about: ReadonlyMap<string, string> | undefined;
  readonly replicas: readonly ReadonlyMap<string, string>[];
  /** `SENTINEL CKQUORUM`. */
  readonly quorumSays: string;
  readonly isOpenToAll: boolean;
  readonly isLoopback: boolean;
  /** How many sentinels are in REDIS_URL, and whether by host name. */
  readonly listed: number;
  readonly areListedByName: boolean;
}

/** @throws DialError; Error if it does not know the primary */
export async function lookAtSentinel(
  endpoint: Endpoint,
  name: string,
  listed: readonly Place[],
): Promise<SentinelSeen> {
  const redis = await dial(endpoint);
  try {
    const named = (await redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)) as
      | string[]
      | null;
    if (named === null)
      throw new Error(`it knows no primary called ${name}: look at SENTINEL MASTERS`);
    return {
      name,
      primary: placeOf(named[0], named[1]),
      about: mapOf(await asked(redis, "MASTER", name)),
      replicas: (((await asked(redis, "REPLICAS", name)) as string[][] | undefined) ?? []).map(
        pairs,
      ),
      quorumSays: await redis
        .call("SENTINEL", "CKQUORUM", name)
        .then(String, (error: Error) => error.message),
      isOpenToAll: await opensToAll(endpoint),
      isLoopback: isLoopback(endpoint.at),
      listed: listed.length,
      areListedByName: listed.every(({ host }) => isIP(host) === 0),
    };
  } finally {
    redis.disconnect();
  }
}

async function asked(redis: Redis, what: string, name: string): Promise<unknown> {
  try {
    return await redis.call("SENTINEL", what, name);
  } catch {
    return undefined; // this user may not ask
  }
}

function mapOf(flat: unknown): ReadonlyMap<string, string> | undefined {
  return flat === undefined ? undefined : pairs(flat as string[]);
}

/** The replicas that the Sentinel considers alive. */
export function replicaPlaces({ replicas }: SentinelSeen): Place[] {
  return replicas
    .filter((each) => !isDown(each))
    .map((each) => placeOf(each.get("ip"), each.get("port")));
}

function isDown(about: ReadonlyMap<string, string>): boolean {
  return /down|disconnected/.test(about.get("flags") ?? "");
}

export const sentinelRules: readonly Rule<SentinelSeen>[] = [
  {
    name: "primary",
    value: "the same for all sentinels, and up",
    why: "gateways write to the primary that the first sentinel to answer names",
    judge({ primary, about }) {
      const flags = about?.get("flags") ?? "master";
      return flags === "master"
        ? ok(formatPlace(primary))
        : wrong(`${formatPlace(primary)}: ${flags}`);
    },
  },
  {
    name: "sentinels",
    value: "three or more, on machines that fail independently, all of them in `REDIS_URL`",
    why: "a majority chooses the next primary; a gateway that knows only one sentinel finds no primary while that one is down",
    judge: fieldOf("num-other-sentinels", (others, { listed }) => {
      const found = `it knows ${others} others; REDIS_URL has ${listed}`;
      if (others + 1 < 3) return wrong(found);
      return listed < 2 ? warning(found) : ok(found);
    }),
  },
  {
    name: "quorum",
    value: "a majority: `2` of three",
    why: "with 1, a single isolated sentinel starts a failover; above the majority, a failover may never start",
    judge: fieldOf("quorum", (quorum, { name, about }) => {
      const all = Number(about?.get("num-other-sentinels")) + 1;
      const majority = Math.floor(all / 2) + 1;
      const set = `SENTINEL SET ${name} quorum ${majority}`;
      if (quorum > all) return wrong(`${quorum} of ${all}: no failover is possible`, set);
      return quorum === majority ? ok(`${quorum} of ${all}`) : warning(`${quorum} of ${all}`, set);
    }),
  },
  {
    name: "majority",
    value: "reachable (`SENTINEL CKQUORUM`)",
    why: "without it no failover is possible",
    judge({ quorumSays }) {
      if (quorumSays.startsWith("NOPERM")) return { is: "unseen" };
      return quorumSays.startsWith("OK") ? ok(quorumSays) : wrong(quorumSays);
    },
  },
  {
    name: "known replicas",
    value: "two, none of them down",
    why: "one of them is the next primary; the sentinels should forget one that is gone for good",
    judge: fieldOf("num-slaves", (count, { name, replicas }) => {
      const down = replicas.filter(isDown).map((each) => each.get("name"));
      if (count - down.length < 1) return wrong(`${count}, ${down.length} of them down`);
      const set = `SENTINEL RESET ${name}`;
      return down.length > 0 ? warning(`${count}; down: ${down.join(", ")}`, set) : ok(`${count}`);
    }),
  },
  {
    name: "down-after-milliseconds",
    value: "`2000`, from 1000 to 10000",
    why: "how long a primary must be silent before a failover starts; if too short, a pause counts as a failure",
    judge: fieldOf("down-after-milliseconds", (ms, { name }) => {
      if (ms >= 1_000 && ms <= 10_000) return ok(`${ms}`);
      return warning(`${ms}`, `SENTINEL SET ${name} down-after-milliseconds 2000`);
    }),
  },
  {
    name: "failover-timeout",
    value: "`10000`, up to 60000",
    why: "a failed failover is retried after twice this time",
    judge: fieldOf("failover-timeout", (ms, { name }) => {
      if (ms <= 60_000) return ok(`${ms}`);
      return warning(`${ms}`, `SENTINEL SET ${name} failover-timeout 10000`);
    }),
  },
  {
    name: "announced hosts",
    value: "names (`resolve-hostnames yes`, `announce-hostnames yes`) where addresses change",
    why: "a container or pod comes back with another IP address, which no sentinel and no certificate knows",
    judge({ primary, areListedByName, isLoopback }) {
      const isName = isIP(primary.host) === 0;
      if (isName || isLoopback || !areListedByName) return ok(isName ? "a name" : "an IP address");
      return warning(
        "an IP address, while REDIS_URL has names",
        "SENTINEL CONFIG SET announce-hostnames yes",
      );
    },
  },
  {
    name: "password",
    value: "required",
    why: "anyone who can reach a sentinel without one can make another server the primary",
    judge({ isOpenToAll, isLoopback }) {
      if (!isOpenToAll) return ok("required");
      const found = "none: anyone who can reach it gets in";
      const set =
        "requirepass A-LONG-RANDOM-TEXT     # in sentinel.conf, of all sentinels; SENTINEL_PASSWORD";
      return isLoopback ? warning(found, set) : wrong(found, set);
    },
  },
];

function fieldOf(
  field: string,
  judge: (value: number, seen: SentinelSeen) => ReturnType<Rule<SentinelSeen>["judge"]>,
): Rule<SentinelSeen>["judge"] {
  return (seen) => {
    const value = seen.about?.get(field);
    if (value !== undefined) return judge(Number(value), seen);
    return { is: "unseen" };
  };
}
