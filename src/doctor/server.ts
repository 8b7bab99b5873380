/** What a Redis server says of itself. */
import type { Redis } from "ioredis";
import type { Place } from "../redis/address.js";
import { dial, isLoopback, opensToAll, type Endpoint } from "./dial.js";
import { findRefused, type Refused } from "./rights.js";

/** What the gateways are configured to need. */
export interface Needs {
  readonly prefix: string;
  readonly leaseMs: number;
  /** Replicas that must be there: ACK_LEVEL=replicated, or Sentinel. */
  readonly replicas: number;
  readonly hasSentinels: boolean;
  /** How many bytes Redis may use, if the operator has said so: a container's limit. */
  readonly memoryLimit: number | undefined;
}

export interface Replica {
  readonly at: string;
  readonly state: string;
  readonly lagSeconds: number;
}

export interface Seen {
  readonly needs: Needs;
  readonly isReplica: boolean;
  /** `INFO`, field → value. */
  readonly about: ReadonlyMap<string, string>;
  readonly replicas: readonly Replica[];
  /** `CONFIG GET`, name → value; undefined if this user may not ask. */
  readonly settings: ReadonlyMap<string, string> | undefined;
  readonly user: string;
  readonly refused: Refused;
  readonly isOpenToAll: boolean;
  readonly isLoopback: boolean;
  /** How far its clock is ahead of this machine's. */
  readonly aheadMs: number;
}

const SETTINGS = [
  "appendfsync",
  "auto-aof-rewrite-percentage",
  "client-output-buffer-limit",
  "tcp-keepalive",
  "min-replicas-to-write",
  "min-replicas-max-lag",
  "repl-backlog-size",
];

/** @throws DialError; Error if even INFO is refused */
export async function lookAtServer(endpoint: Endpoint, needs: Needs): Promise<Seen> {
  const redis = await dial(endpoint);
  try {
    const askedMs = Date.now();
    const about = fieldsOf(await redis.info());
    const middleMs = (askedMs + Date.now()) / 2;
    const serverMs = Number(about.get("server_time_usec") ?? middleMs * 1_000) / 1_000;
    return {
      needs,
      isReplica: about.get("role") === "slave",
      about,
      replicas: replicasOf(about),
      settings: await settingsOf(redis),
      user: endpoint.login.username ?? "default",
      isOpenToAll: await opensToAll(endpoint),
      isLoopback: isLoopback(endpoint.at),
      aheadMs: Math.round(serverMs - middleMs),
      refused: await findRefused(redis, needs.prefix),
    };
  } finally {
    redis.disconnect();
  }
}

function fieldsOf(info: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of info.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

async function settingsOf(redis: Redis): Promise<Map<string, string> | undefined> {
  try {
    return pairs((await redis.call("CONFIG", "GET", ...SETTINGS)) as string[]);
  } catch {
    return undefined; // this user may not ask, or the provider hides it
  }
}

export function pairs(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!);
  return map;
}

function replicasOf(about: ReadonlyMap<string, string>): Replica[] {
  const replicas: Replica[] = [];
  for (const [field, value] of about) {
    if (!/^slave\d+$/.test(field)) continue;
    const about = new Map(value.split(",").map((pair) => pair.split("=") as [string, string]));
    replicas.push({
      at: `${about.get("ip")}:${about.get("port")}`,
      state: about.get("state") ?? "unknown",
      lagSeconds: Number(about.get("lag")),
    });
  }
  return replicas;
}

export function placeOf(host: string | undefined, port: string | undefined): Place {
  return { host: host ?? "", port: Number(port) };
}
