/** All that is kept of a user in Redis: to remove it, and to tell it. See lua/4-unregister.lua. */
import { GENERAL, conversationBetween, type Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import { STATUSES, type Name } from "../chat/names.js";
import type { KeptOfUser, Leaving, LeavingOutcome, UserRecords } from "../chat/own-data.js";
import { Damaged, Unavailable } from "../chat/ports.js";
import { StaleToken, type LeavingDuties } from "../cluster/ports.js";
import type { MessageWriter } from "./append-queue.js";
import { DamagedValue } from "./damage.js";
import { decodeRecord, isNameLength } from "./events.js";
import {
  isDamage,
  isReply,
  type FunctionLibrary,
  type LibraryFunction,
} from "./function-library.js";
import { ALL_BUCKETS, bucketOfConversation, bucketOfUser, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { attempting, retrying } from "./retry.js";

export interface UserRecordsSettings {
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  readonly historyMaxAgeMs: number;
  /** Whether names are proved by tokens of somebody else: who leaves for good makes those worthless that it has. */
  readonly hasTokens: boolean;
}

/** Conversations that one call clears. */
const CONVERSATIONS_AT_ONCE = 32;
/** Users whom a leader clears in a round. */
const USERS_AT_ONCE = 8;
/** Of what a user wrote to everybody: messages that one call looks at, and bytes of texts that it returns. */
const [LOOKED_AT, PART_BYTES] = [2_000, 262_144];
/** In place of who leads: it was asked for a moment ago. */
const JUST_ASKED = "";

/** Who has left, and what of it is somebody's who had the name before. */
interface Left {
  readonly name: Name;
  readonly atMs: number;
  readonly sinceMs: number;
  /** Whether its messages go as well. */
  readonly erases: boolean;
}

type Argument = string | Buffer | number;
type Removed = [outcome: Buffer, atMs: number, sinceMs: number, erases: number, replicas: number];

export class RedisUserRecords implements UserRecords, LeavingDuties {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #settings: UserRecordsSettings;
  #bucket = 0;
  /** What came of the last round. */
  readonly #round: { last: "under way" | { freed: number } | { error: unknown } } = {
    last: { freed: 0 },
  };

  /** @param writer where users are removed, and what is demanded of its replicas */
  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    settings: UserRecordsSettings,
  ) {
    this.#library = library;
    this.#writer = writer;
    this.#keys = keys;
    this.#settings = settings;
  }

  async unregister({
    name,
    session = "",
    version = "",
    sinceMs,
    erases,
  }: Leaving): Promise<LeavingOutcome> {
    const { hasTokens } = this.#settings;
    const words = [erases, hasTokens].map((each) => (each ? 1 : 0));
    const args = [bytes(name), session, version, sinceMs, ...words];
    const [word, atMs, since, isErasing] = await this.#remove(this.#keys.ofUnregister(name), args);
    const outcome = word.toString() as LeavingOutcome | "mixed";
    if (outcome === "mixed") throw new Unavailable("a gateway of another release is there");
    if (outcome === "done") {
      await this.#clear(JUST_ASKED, { name, atMs, sinceMs: since, erases: isErasing === 1 });
    }
    return outcome;
  }

  /** It is on the replicas, too, where messages are. May be done again. */
  #remove(keys: readonly string[], args: readonly Argument[]): Promise<Removed> {
    const { library, replication } = this.#writer;
    const write = () => library.call("unregister", keys, args) as Promise<Removed>;
    return retrying(this.#settings.deadlineMs, () =>
      replication === undefined
        ? write()
        : replication.covering(write, ([, , , , replicas]) => replicas),
    );
  }

  async kept(name: Name): Promise<KeptOfUser> {
    const bucket = bucketOfUser(name);
    const keys = [this.#keys.users(bucket), this.#keys.owners(bucket), this.#keys.account(name)];
    const found = (await this.#attempt("kept_of_user", keys, [bytes(name)])) as (Buffer | null)[];
    const [status, since, ownerSince, created, role, revoked] = found.map((each) =>
      each?.toString(),
    );
    return {
      status: STATUSES[Number(status)],
      sinceMs: numberIn(since),
      ownerSinceMs: numberIn(ownerSince),
      accountCreatedMs: numberIn(created),
      role,
      tokensRevokedMs: numberIn(revoked),
    };
  }

  async written(
    author: Name,
    conversation: Conversation,
    after: number,
    sinceMs: number,
  ): ReturnType<UserRecords["written"]> {
    const bucket = bucketOfConversation(conversation);
    const keys = [
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
    ];
    const { historyMaxAgeMs } = this.#settings;
    const args = [bytes(author), after, historyMaxAgeMs, sinceMs, LOOKED_AT, PART_BYTES];
    const answer = await this.#attempt("written_by", keys, args);
    const [next, ...records] = answer as [number, ...Buffer[]];
    const messages = records.flatMap((record) => this.#decoded(record, conversation) ?? []);
    return { messages, next: next < 0 ? undefined : next };
  }

  /**
   * Goes on clearing what is kept of users who have left. Returns how many names are free since the last round. A round
   * does not wait for it: there may be many messages to erase.
   */
  async finishLeaving(token: string): Promise<number> {
    const { last } = this.#round;
    if (last === "under way") return 0;
    this.#round.last = "under way";
    void this.#finish(token).then(
      (freed) => (this.#round.last = { freed }),
      (error: unknown) => (this.#round.last = { error }),
    );
    if ("error" in last) throw last.error;
    return last.freed;
  }

  /** The buckets take turns. */
  async #finish(token: string): Promise<number> {
    const bucket = this.#bucket;
    this.#bucket = (bucket + 1) % ALL_BUCKETS.length;
    const keys = [
      this.#keys.meta(bucket),
      this.#keys.log(bucket),
      this.#keys.unregistered(bucket),
      this.#keys.unregistering(bucket),
    ];
    const args = [token, USERS_AT_ONCE, this.#settings.historyMaxAgeMs];
    const found = (await this.#asLeader("unregistering_users", keys, args)) as (Buffer | number)[];
    let freed = 0;
    for (let i = 0; i < found.length; i += 4) {
      const [word, atMs, sinceMs, erases] = found.slice(i, i + 4) as [
        Buffer,
        number,
        number,
        number,
      ];
      const name = nameAt(word);
      try {
        await this.#clear(token, { name, atMs, sinceMs, erases: erases === 1 });
      } catch (error) {
        if (!isReply(error, "MIXED")) throw error;
        continue; // a gateway of another release has come: the name waits until it has gone
      }
      freed += (await this.#asLeader("end_clearing", keys, [token, word, atMs])) as number;
    }
    return freed;
  }

  /** In all buckets. May be done again. @param token of the leader, or {@link JUST_ASKED} */
  async #clear(token: string, left: Left): Promise<void> {
    await Promise.all(ALL_BUCKETS.map((bucket) => this.#clearBucket(token, bucket, left)));
  }

  async #clearBucket(token: string, bucket: number, left: Left): Promise<void> {
    const { name, atMs, sinceMs } = left;
    const [inbox, marks] = [this.#keys.inbox(bucket, name), this.#keys.marks(bucket, name)];
    const others = await this.#othersIn(bucket, inbox, marks, name);
    const call = (step: "clear_user" | "erase_messages", keys: string[], args: Argument[]) =>
      token === JUST_ASKED ? this.#attempt(step, keys, args) : this.#asLeader(step, keys, args);
    const start = [this.#keys.meta(bucket), this.#keys.log(bucket)];
    for (let first = 0; first === 0 || first < others.length; first += CONVERSATIONS_AT_ONCE) {
      const some = others.slice(first, first + CONVERSATIONS_AT_ONCE);
      const keys = some.map(({ conversation }) => [
        this.#keys.conversation(bucket, conversation),
        this.#keys.history(bucket, conversation),
        this.#keys.removed(bucket, conversation),
      ]);
      for (const its of left.erases ? keys : []) {
        const erase = (after: number): Promise<unknown> => {
          const { historyMaxAgeMs } = this.#settings;
          const args = [token, atMs, bytes(name), sinceMs, after, historyMaxAgeMs];
          return call("erase_messages", [...start, ...its], args);
        };
        await this.#eraseAll(erase);
      }
      const args = [token, atMs, bytes(name), sinceMs, ...some.map(({ mark }) => mark)];
      await call("clear_user", [...start, inbox, marks, ...keys.flat()], args);
    }
  }

  /** @param erase some behind a number; says up to which number it is done, or -1 */
  async #eraseAll(erase: (after: number) => Promise<unknown>): Promise<void> {
    try {
      for (let after = 0; after >= 0;) after = (await erase(after)) as number;
    } catch (error) {
      if (!isDamage(error) && !(error instanceof Damaged)) throw error;
      this.#library.damage.found("conversation", {}, error); // it hurts nobody else
    }
  }

  /** With whom the user has conversations in this bucket, as inboxes write it; `~` for the general chat. */
  async #othersIn(
    bucket: number,
    inbox: string,
    marks: string,
    name: Name,
  ): Promise<{ mark: Buffer; conversation: Conversation }[]> {
    const answer = await this.#attempt("conversations", [inbox, marks], ["", 0]);
    const [found] = answer as [(Buffer | number)[] | Error];
    if (found instanceof Error && !isDamage(found)) throw found;
    const words = found instanceof Error ? [] : found;
    const others = words
      .filter((word, i) => i % 2 === 0 && isNameLength((word as Buffer).length))
      .map((word) => {
        const mark = word as Buffer;
        return { mark, conversation: conversationBetween(name, nameAt(mark)) };
      });
    if (bucket !== HOME) return others;
    return [{ mark: Buffer.from("~"), conversation: GENERAL }, ...others];
  }

  /** Undefined if it is damaged. */
  #decoded(record: Buffer, conversation: Conversation): Message | undefined {
    try {
      return { ...decodeRecord(record), conversation };
    } catch (error) {
      if (!(error instanceof DamagedValue)) throw error;
      this.#library.damage.found("conversation", { kind: conversation.kind }, error);
      return undefined;
    }
  }

  #attempt(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, async () => {
      try {
        return await this.#library.call(name, keys, args);
      } catch (error) {
        if (!isReply(error, "LATE") && !isReply(error, "MIXED")) throw error;
        throw new Unavailable("the leader goes on with it", { cause: error });
      }
    });
  }

  async #asLeader(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    try {
      return await this.#library.call(name, keys, args);
    } catch (error) {
      if (isReply(error, "STALE")) throw new StaleToken((error as Error).message);
      throw error;
    }
  }
}

const HOME = bucketOfConversation(GENERAL);

function numberIn(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}
