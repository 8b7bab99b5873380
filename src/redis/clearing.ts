/** Clears what is kept of users who have left for good, in all buckets. See lua/4-clearing.lua. */
import { GENERAL, conversationBetween, type Conversation } from "../chat/conversation.js";
import type { Name } from "../chat/names.js";
import { Damaged, Unavailable } from "../chat/ports.js";
import { StaleToken, type LeavingDuties } from "../cluster/ports.js";
import { blocksOf, dropHints } from "./block-hints.js";
import { isNameLength } from "./events.js";
import {
  isDamage,
  isReply,
  type FunctionLibrary,
  type LibraryFunction,
} from "./function-library.js";
import { ALL_BUCKETS, bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { attempting } from "./retry.js";

export interface ClearingSettings {
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  readonly historyMaxAgeMs: number;
}

/** Conversations that one call clears. */
const CONVERSATIONS_AT_ONCE = 32;
/** Users whom a leader clears in a round. */
const USERS_AT_ONCE = 8;
const HOME = bucketOfConversation(GENERAL);
/** In place of who leads: it was asked for a moment ago. */
const JUST_ASKED = "";

/** Who has left, and what of it is somebody's who had the name before. */
export interface Left {
  readonly name: Name;
  readonly atMs: number;
  readonly sinceMs: number;
  /** Whether its messages go as well. */
  readonly erases: boolean;
}

type Argument = string | Buffer | number;

export class Clearing implements LeavingDuties {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #settings: ClearingSettings;
  #bucket = 0;
  /** What came of the last round. */
  readonly #round: { last: "under way" | { freed: number } | { error: unknown } } = {
    last: { freed: 0 },
  };

  constructor(library: FunctionLibrary, keys: Keys, settings: ClearingSettings) {
    this.#library = library;
    this.#keys = keys;
    this.#settings = settings;
  }

  /** Of a user who has left just now. What it does not get done, the leader does. @throws Unavailable */
  clear(left: Left): Promise<void> {
    return this.#clear(JUST_ASKED, left);
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
    const answer = await this.#asLeader("unregistering_users", keys, args);
    const [found, past, nowMs] = answer as [(Buffer | number)[], Buffer[], number];
    if (past.length > 0) {
      const home = [this.#keys.meta(HOME), this.#keys.log(HOME), ...this.#general];
      await this.#asLeader("forget_gone", home, [token, ...past]);
      await this.#asLeader("forget_left", keys, [token, ...past]);
    }
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
      freed += (await this.#asLeader("end_clearing", keys, [token, word, atMs, nowMs])) as number;
    }
    return freed;
  }

  /** In all buckets. May be done again. @param token of the leader, or {@link JUST_ASKED} */
  async #clear(token: string, left: Left): Promise<void> {
    await this.#clearBlocks(token, left);
    await Promise.all(ALL_BUCKETS.map((bucket) => this.#clearBucket(token, bucket, left)));
  }

  async #clearBlocks(token: string, { name, atMs }: Left): Promise<void> {
    try {
      const others = await blocksOf(this.#library, this.#keys, name);
      await dropHints(this.#library, this.#keys, name, others, this.#settings.historyMaxAgeMs);
      const args = [token, atMs];
      const keys = this.#keys.ofAccount(name);
      if (token === JUST_ASKED) await this.#attempt("clear_blocks", keys, args);
      else await this.#asLeader("clear_blocks", keys, args);
    } catch (error) {
      if (!isDamage(error) && !(error instanceof Damaged)) throw error;
      this.#library.damage.found("user", {}, error); // the rest goes all the same
    }
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
      const { historyMaxAgeMs } = this.#settings;
      const who = [token, atMs, bytes(name), sinceMs, historyMaxAgeMs];
      const args = [...who, ...some.map(({ mark }) => mark)];
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

  /** Conversation and history of the general chat. */
  get #general(): string[] {
    return [this.#keys.conversation(HOME, GENERAL), this.#keys.history(HOME, GENERAL)];
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
