/** Leases in Redis: a node's in every bucket, the leader's in one. And the leader's duties. */
import {
  StaleToken,
  type DeadNode,
  type Duties,
  type Head,
  type LeaderLease,
  type NodeLease,
} from "../cluster/ports.js";
import { ALL_BUCKETS, type Keys } from "./keys.js";
import { isDamage, isReply, type FunctionLibrary } from "./function-library.js";

export interface LeaseSettings {
  readonly leaseMs: number;
  readonly stallMs: number;
  readonly idleAfterMs: number;
}

/**
 * After so many beats in a row on older data than this node has seen, a new generation begins on that data. Before,
 * it may be a primary that has been replaced, and that only this connection has not left yet.
 */
const OLDER_BEATS = 3;
/** The most users that one call sweeps or reaps: Redis serves nobody else while it runs. */
const BATCH = 200;

export class RedisLeases implements NodeLease, LeaderLease, Duties {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #settings: LeaseSettings;
  /** The number of beats in a row that found older data, by bucket. */
  readonly #olderBeats = new Map<number, number>();

  constructor(library: FunctionLibrary, keys: Keys, settings: LeaseSettings) {
    this.#library = library;
    this.#keys = keys;
    this.#settings = settings;
  }

  join(incarnation: string): Promise<Head[]> {
    return this.#beat(incarnation, "join");
  }

  renew(incarnation: string): Promise<Head[]> {
    return this.#beat(incarnation, "renew");
  }

  async retire(incarnation: string): Promise<void> {
    const calls = ALL_BUCKETS.map((bucket) =>
      this.#library.call(
        "retire",
        [this.#keys.nodes(bucket), this.#keys.owned(bucket, incarnation)],
        [incarnation],
      ),
    );
    await soundOnes(calls);
  }

  async acquire(incarnation: string): Promise<string | undefined> {
    const keys = [this.#keys.meta(0), this.#keys.log(0), this.#keys.leader()];
    const token = await this.#library.call("elect", keys, [incarnation, this.#settings.leaseMs]);
    return String(token) || undefined;
  }

  async resign(incarnation: string): Promise<void> {
    await this.#library.call("resign", [this.#keys.leader()], [incarnation]);
  }

  async sweep(token: string): Promise<{ idled: number; dead: DeadNode[] }> {
    const { idleAfterMs, stallMs } = this.#settings;
    const args = [token, idleAfterMs, stallMs, BATCH];
    let idled = 0;
    const dead: DeadNode[] = [];
    const calls = ALL_BUCKETS.map(async (bucket) => {
      const found = (await this.#duty("sweep", this.#keys.ofUsers(bucket, "-"), args)) as [
        number,
        ...Buffer[],
      ];
      const [idledHere, ...incarnations] = found;
      idled += idledHere;
      for (const incarnation of incarnations) {
        dead.push({ bucket, incarnation: incarnation.toString() });
      }
    });
    await soundOnes(calls);
    return { idled, dead };
  }

  async reap(token: string, { bucket, incarnation }: DeadNode): Promise<number> {
    const keys = this.#keys.ofUsers(bucket, incarnation);
    const args = [token, incarnation, this.#settings.stallMs, BATCH];
    let total = 0;
    try {
      for (let leftOver = 1; leftOver > 0;) {
        const [reaped, left] = (await this.#duty("reap", keys, args)) as [number, number];
        total += reaped;
        leftOver = left;
      }
    } catch (error) {
      if (!isDamage(error)) throw error; // other nodes are reaped all the same
    }
    return total;
  }

  async #beat(incarnation: string, mode: "join" | "renew"): Promise<Head[]> {
    const { leaseMs, stallMs } = this.#settings;
    const calls = ALL_BUCKETS.map(async (bucket): Promise<Head> => {
      const keys = [
        this.#keys.meta(bucket),
        this.#keys.log(bucket),
        this.#keys.nodes(bucket),
        ...this.#keys.ids(bucket),
      ];
      // only renewals count: a node whose lease was lost renews and joins in the same beat
      const isBeat = mode === "renew";
      const older = this.#olderBeats.get(bucket) ?? 0;
      const anew = isBeat && older + 1 >= OLDER_BEATS ? "anew" : "";
      const args = [incarnation, leaseMs, stallMs, mode, anew];
      const answer = await this.#library.call("beat", keys, args);
      const [isMember, generation, offset, timeMs, isOlder] = answer as [
        number,
        number,
        number,
        number,
        number,
      ];
      if (isBeat) this.#olderBeats.set(bucket, isOlder === 1 ? older + 1 : 0);
      return {
        bucket,
        head: { generation, offset },
        isMember: isMember === 1,
        timeMs,
        isOlder: isOlder === 1,
      };
    });
    const heads = await soundOnes(calls);
    const older = heads.filter(({ isOlder }) => isOlder).map(({ bucket }) => bucket);
    if (older.length > 0) {
      const { log } = this.#library.observe;
      log.warn(
        { event: "redis_is_older", buckets: older },
        "redis holds older data than this node has seen, nothing is written yet",
      );
    }
    return heads;
  }

  async #duty(name: "sweep" | "reap", ...rest: [string[], (string | number)[]]): Promise<unknown> {
    try {
      return await this.#library.call(name, ...rest);
    } catch (error) {
      if (isReply(error, "STALE")) throw new StaleToken((error as Error).message);
      throw error;
    }
  }
}

/**
 * The answers of the buckets that are sound. One that is damaged is left out, which is counted and logged elsewhere: it
 * does not take the others along. @throws its error if all are damaged; any other error
 */
async function soundOnes<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const answers: T[] = [];
  const damages: unknown[] = [];
  for (const each of await Promise.allSettled(calls)) {
    if (each.status === "fulfilled") answers.push(each.value);
    else if (isDamage(each.reason)) damages.push(each.reason);
    else throw each.reason;
  }
  if (answers.length === 0) throw damages[0];
  return answers;
}
