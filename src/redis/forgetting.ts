/** Names of nobody are forgotten: a few at a time, so that users do not grow for ever. A duty of the leader. */
import { GENERAL } from "../chat/conversation.js";
import type { Name } from "../chat/names.js";
import { blocksOf, dropHints } from "./block-hints.js";
import { StaleToken, type NameDuties } from "../cluster/ports.js";
import { isReply, type FunctionLibrary, type LibraryFunction } from "./function-library.js";
import { ALL_BUCKETS, BUCKETS, bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";

export interface ForgettingSettings {
  /** So long after it was left, a name of nobody is forgotten; 0: never. */
  readonly namesForgottenMs: number;
  readonly nameKeptMs: number;
  readonly historyMaxAgeMs: number;
}

/** Of one bucket, in one round. */
const AT_ONCE = 50;
/** From the end of one walk through a bucket to the next: what is not forgotten is looked at again so often. */
const REST_MS = 60_000; // or less, if names are forgotten sooner
const HOME = bucketOfConversation(GENERAL);

/** A walk through the names of a bucket that were left, oldest first. */
interface Walk {
  readonly place: number;
  readonly dueAtMs: number;
}

export class Forgetting implements NameDuties {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #settings: ForgettingSettings;
  readonly #walks = new Map<number, Walk>();
  #bucket = 0;

  constructor(library: FunctionLibrary, keys: Keys, settings: ForgettingSettings) {
    this.#library = library;
    this.#keys = keys;
    this.#settings = settings;
  }

  async forget(token: string): Promise<number> {
    const { namesForgottenMs } = this.#settings;
    const bucket = this.#nextDue();
    if (namesForgottenMs === 0 || bucket === undefined) return 0;
    const place = this.#walks.get(bucket)?.place ?? 0;
    const { names, next } = await this.#found(bucket, place);
    const nobodys = await this.#withoutMessages(token, names);
    const forgotten = await this.#forget(token, bucket, nobodys);
    await this.#forgetMarks(forgotten);
    // those that were forgotten stand before it no more
    const restMs = next >= 0 ? 0 : Math.min(REST_MS, namesForgottenMs);
    const nextPlace = next >= 0 ? next - forgotten.length : 0;
    this.#walks.set(bucket, { place: nextPlace, dueAtMs: performance.now() + restMs });
    return forgotten.length;
  }

  /** The buckets take turns; those that rest are passed over. */
  #nextDue(): number | undefined {
    const now = performance.now();
    for (let i = 0; i < BUCKETS; i++) {
      const bucket = this.#bucket;
      this.#bucket = (bucket + 1) % BUCKETS;
      if (now >= (this.#walks.get(bucket)?.dueAtMs ?? 0)) return bucket;
    }
    return undefined;
  }

  async #found(bucket: number, place: number): Promise<{ names: Name[]; next: number }> {
    const { namesForgottenMs, nameKeptMs } = this.#settings;
    const keys = [this.#keys.users(bucket), this.#keys.owners(bucket), this.#keys.left(bucket)];
    const args = [place, AT_ONCE, namesForgottenMs, nameKeptMs];
    const [next, ...found] = (await this.#call("forgettable", keys, args)) as [number, ...Buffer[]];
    return { names: found.map((name) => nameAt(name)), next };
  }

  async #withoutMessages(token: string, names: readonly Name[]): Promise<Name[]> {
    if (names.length === 0) return [];
    const inboxes = await Promise.all(
      ALL_BUCKETS.map((bucket) => {
        const keys = names.map((name) => this.#keys.inbox(bucket, name));
        return this.#call("have_inboxes", keys, []) as Promise<number[]>;
      }),
    );
    const quiet = names.filter((_, i) => inboxes.every((found) => found[i] === 0));
    if (quiet.length === 0) return [];
    const keys = [
      this.#keys.meta(HOME),
      this.#keys.log(HOME),
      this.#keys.conversation(HOME, GENERAL),
      this.#keys.history(HOME, GENERAL),
    ];
    const args = [token, this.#settings.historyMaxAgeMs, ...quiet.map(bytes)];
    const isSilent = (await this.#call("forget_writers", keys, args)) as number[];
    return quiet.filter((_, i) => isSilent[i] === 1);
  }

  async #forget(token: string, bucket: number, names: readonly Name[]): Promise<Name[]> {
    if (names.length === 0) return [];
    const { namesForgottenMs, nameKeptMs } = this.#settings;
    const accounts = names.map((name) => this.#keys.account(name));
    const keys = [...this.#keys.ofOwners(bucket, "-"), ...accounts];
    const args = [token, namesForgottenMs, nameKeptMs, ...names.map(bytes)];
    const blocks = await Promise.all(
      names.map(async (name) => {
        const others = await blocksOf(this.#library, this.#keys, name).catch(() => []);
        return [name, others] as const;
      }),
    );
    const blockedBy = new Map(blocks);
    const forgotten = ((await this.#call("forget", keys, args)) as Buffer[]).map((name) =>
      nameAt(name),
    );
    for (const name of forgotten) {
      const others = blockedBy.get(name) ?? [];
      await dropHints(this.#library, this.#keys, name, others, this.#settings.historyMaxAgeMs);
    }
    return forgotten;
  }

  /** Behind the names: a name that stays keeps its marks. What a leader that dies here leaves expires. */
  async #forgetMarks(names: readonly Name[]): Promise<void> {
    if (names.length === 0) return;
    const calls = ALL_BUCKETS.map((bucket) => {
      const keys = names.map((name) => this.#keys.marks(bucket, name));
      return this.#call("forget_marks", keys, []);
    });
    await Promise.all(calls);
  }

  async #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    try {
      return await this.#library.call(name, keys, args);
    } catch (error) {
      if (isReply(error, "STALE")) throw new StaleToken((error as Error).message);
      throw error;
    }
  }
}
