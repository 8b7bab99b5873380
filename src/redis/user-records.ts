/** All that is kept of a user in Redis: to remove it, and to tell it. See lua/4-unregister.lua. */
import { GENERAL, conversationBetween, type Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import { STATUSES, type Name } from "../chat/names.js";
import type { KeptOfUser, Leaving, UserRecords } from "../chat/own-data.js";
import { Unavailable } from "../chat/ports.js";
import { StaleToken, type LeavingDuties } from "../cluster/ports.js";
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
import { attempting } from "./retry.js";

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
}

export class RedisUserRecords implements UserRecords, LeavingDuties {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #settings: UserRecordsSettings;
  #bucket = 0;

  constructor(library: FunctionLibrary, keys: Keys, settings: UserRecordsSettings) {
    this.#library = library;
    this.#keys = keys;
    this.#settings = settings;
  }

  async unregister({
    name,
    session = "",
    version = "",
    sinceMs,
    erases,
  }: Leaving): Promise<"done" | "gone" | "changed" | "nothing"> {
    const { hasTokens } = this.#settings;
    const words = [erases, hasTokens].map((each) => (each ? 1 : 0));
    const args = [bytes(name), session, version, sinceMs, ...words];
    const answer = await this.#attempt("unregister", this.#keys.ofUnregister(name), args);
    const [word, atMs, since] = answer as [Buffer, number, number];
    const outcome = word.toString() as "done" | "gone" | "changed" | "nothing";
    if (outcome === "done") await this.#clear(JUST_ASKED, { name, atMs, sinceMs: since });
    return outcome;
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

  /** Goes on clearing what is kept of users who have left. The buckets take turns. Returns how many names are free now. */
  async finishLeaving(token: string): Promise<number> {
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
      const [name, atMs, sinceMs] = found.slice(i, i + 4) as [Buffer, number, number];
      await this.#clear(token, { name: nameAt(name), atMs, sinceMs });
      freed += (await this.#asLeader("end_clearing", keys, [token, name, atMs])) as number;
    }
    return freed;
  }

  /** In all buckets. May be done again. @param token of the leader, or {@link JUST_ASKED} */
  async #clear(token: string, left: Left): Promise<void> {
    await Promise.all(ALL_BUCKETS.map((bucket) => this.#clearBucket(token, bucket, left)));
  }

  async #clearBucket(token: string, bucket: number, { name, atMs, sinceMs }: Left): Promise<void> {
    const [inbox, marks] = [this.#keys.inbox(bucket, name), this.#keys.marks(bucket, name)];
    const others = await this.#othersIn(bucket, inbox, marks, name);
    const start = [this.#keys.meta(bucket), this.#keys.log(bucket), inbox, marks];
    for (let first = 0; first === 0 || first < others.length; first += CONVERSATIONS_AT_ONCE) {
      const some = others.slice(first, first + CONVERSATIONS_AT_ONCE);
      const keys = some.flatMap(({ conversation }) => [
        this.#keys.conversation(bucket, conversation),
        this.#keys.history(bucket, conversation),
      ]);
      const args = [token, atMs, bytes(name), sinceMs, ...some.map(({ mark }) => mark)];
      const all = [...start, ...keys];
      if (token === JUST_ASKED) await this.#attempt("clear_user", all, args);
      else await this.#asLeader("clear_user", all, args);
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
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, async () => {
      try {
        return await this.#library.call(name, keys, args);
      } catch (error) {
        if (!isReply(error, "LATE")) throw error;
        throw new Unavailable("the leader goes on with it", { cause: error });
      }
    });
  }

  async #asLeader(
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

const HOME = bucketOfConversation(GENERAL);

function numberIn(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}
