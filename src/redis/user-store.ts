/** The store on Redis: one call a step, tried again until it is answered or the time is up. */
import { otherOf, type Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import { STATUSES, type Name, type Status, type User } from "../chat/names.js";
import {
  Unavailable,
  type ClaimOutcome,
  type Draft,
  type Holder,
  type NotedActivity,
  type UserStore,
} from "../chat/ports.js";
import type { Membership } from "../cluster/ports.js";
import type { Observe } from "../observe.js";
import { recipientField } from "./conversation-fields.js";
import { decodeRecord } from "./events.js";
import { ALL_BUCKETS, bucketOfConversation, bucketOfUser, type Keys } from "./keys.js";
import type { FunctionLibrary } from "./function-library.js";
import type { Replication } from "./replication.js";
import { retrying } from "./retry.js";

export interface UserStoreSettings {
  /** Messages kept per conversation, and for how long. */
  readonly historyKeep: number;
  readonly historyMaxAgeMs: number;
  /** A step that was not answered within this time fails as Unavailable. */
  readonly deadlineMs: number;
  /** The cluster was out of reach if no node beat in a bucket for this long. */
  readonly stallMs: number;
}

export class RedisUserStore implements UserStore {
  readonly #ledger: FunctionLibrary;
  /** The connection on which messages are written, and what is demanded of its replicas, if anything. */
  readonly #writing: {
    readonly ledger: FunctionLibrary;
    readonly replication: Replication | undefined;
  };
  readonly #keys: Keys;
  readonly #standing: Membership;
  readonly #settings: UserStoreSettings;
  readonly #observe: Observe;

  constructor(
    ledger: FunctionLibrary,
    writing: { readonly ledger: FunctionLibrary; readonly replication: Replication | undefined },
    keys: Keys,
    standing: Membership,
    settings: UserStoreSettings,
    observe: Observe,
  ) {
    this.#ledger = ledger;
    this.#writing = writing;
    this.#keys = keys;
    this.#standing = standing;
    this.#settings = settings;
    this.#observe = observe;
  }

  async claim(holder: Holder, maxDevices: number): Promise<ClaimOutcome> {
    const [outcome, generation, offset] = (await this.#retrying(() => {
      if (!holder.isLive) throw new Unavailable("the session has ended");
      const args = [
        bytes(holder.name),
        holder.id,
        this.#standing.incarnation,
        this.#settings.stallMs,
        maxDevices,
        holder.key ?? "-",
        ...(holder.address === undefined ? [] : [holder.address]),
      ];
      return this.#ledger.call("claim", this.#keysOf(holder.name), args);
    })) as [Buffer, number, number];
    const word = outcome.toString() as ClaimOutcome["outcome"];
    return word === "taken" ? { outcome: word } : { outcome: word, at: { generation, offset } };
  }

  async leave(holder: Holder, cause: "asked" | "left"): Promise<boolean> {
    const args = [bytes(holder.name), holder.id, cause];
    const left = await this.#retrying(() =>
      this.#ledger.call("leave", this.#keysOf(holder.name), args),
    );
    return left === 1;
  }

  async setStatus(
    holder: Holder,
    status: Exclude<Status, "disconnected">,
  ): Promise<"changed" | "same" | "gone"> {
    const args = [bytes(holder.name), holder.id, STATUSES.indexOf(status)];
    const outcome = await this.#retrying(() =>
      this.#ledger.call("set_status", this.#keysOf(holder.name), args),
    );
    return String(outcome) as "changed" | "same" | "gone";
  }

  async touch(activities: readonly NotedActivity[]): Promise<void> {
    const argsByBucket = new Map<number, (Buffer | string)[]>();
    for (const { holder, kind } of activities) {
      const { name, id } = holder;
      const bucket = bucketOfUser(name);
      const args = argsByBucket.get(bucket) ?? [];
      argsByBucket.set(bucket, args);
      args.push(bytes(name), id, kind);
    }
    const calls = [...argsByBucket].map(([bucket, args]) => {
      const keys = this.#keys.ofUsers(bucket, this.#standing.incarnation);
      return this.#retrying(() => this.#ledger.call("touch", keys, args));
    });
    await Promise.all(calls);
  }

  async append(draft: Draft): ReturnType<UserStore["append"]> {
    const { author, conversation, mid, text } = draft;
    const bucket = bucketOfConversation(conversation);
    const keys = [
      this.#keys.meta(bucket),
      this.#keys.log(bucket),
      this.#keys.nodes(bucket),
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
      this.#keys.sent(bucket, conversation, author.name, mid),
      ...this.#inboxes(bucket, conversation, author.name),
    ];
    const { ledger, replication } = this.#writing;
    const { counters, log } = this.#observe;
    counters.delivery.begin(mid);
    const [answer, seq, epoch, time] = (await this.#retrying(() => {
      if (!this.#standing.isMember) throw new Error("FENCED this node is not a member");
      if (author.isLive === false) throw new Unavailable("the session has lost its name");
      const write = (): Promise<unknown> =>
        ledger.call("append", keys, [
          this.#standing.incarnation,
          bytes(author.name),
          bytes(recipientField(conversation, author.name)),
          mid,
          Buffer.from(text.buffer, text.byteOffset, text.length),
          this.#settings.historyKeep,
          this.#settings.historyMaxAgeMs,
          replication?.least ?? 0,
        ]);
      return replication === undefined
        ? write()
        : replication.covering(write, (answer) => (answer as number[])[4]!);
    })) as [Buffer, number, number, number];
    const repeated = answer.toString() === "again";
    if (repeated) {
      counters.repeats.inc();
      log.info({ event: "message_repeated" }, "message was stored already");
    } else counters.messages.inc({ conversation: conversation.kind });
    return { seq, epoch, time, repeated };
  }

  async history(conversation: Conversation, limit: number): Promise<Message[]> {
    const keys = [this.#keys.history(bucketOfConversation(conversation), conversation)];
    const args = [limit, this.#settings.historyMaxAgeMs];
    const records = await this.#retrying(() => this.#ledger.call("history", keys, args));
    return (records as Buffer[]).map(decodeRecord).toReversed();
  }

  async user(name: Name): Promise<User | undefined> {
    const keys = [this.#keys.users(bucketOfUser(name))];
    const [index, address] = (await this.#retrying(() =>
      this.#ledger.call("lookup", keys, [bytes(name)]),
    )) as [number, Buffer?];
    const status = STATUSES[index];
    if (status === undefined) return undefined;
    return { name, status, ...(address && { address: address.toString() }) };
  }

  async roster(limit: number): Promise<User[]> {
    const parts = await Promise.all(ALL_BUCKETS.map((bucket) => this.#rosterOf(bucket, limit)));
    const all = parts.flat();
    const connected = all.filter(({ status }) => status !== "disconnected");
    const left = all.filter(({ status }) => status === "disconnected");
    connected.sort((a, b) => a.since - b.since);
    left.sort((a, b) => b.since - a.since);
    return [...connected, ...left].slice(0, limit).map(({ name, status }) => ({ name, status }));
  }

  async owned(bucket: number): Promise<Name[]> {
    const key = this.#keys.owned(bucket, this.#standing.incarnation);
    const names = await this.#ledger.redis.smembersBuffer(key);
    return names.map((name) => name.toString("latin1") as Name);
  }

  /** Not tried again: a second attempt could come after a claim of the same name. */
  async disown(name: Name, but: readonly string[] = []): Promise<void> {
    await this.#ledger.call("disown", this.#keysOf(name), [
      this.#standing.incarnation,
      bytes(name),
      ...but,
    ]);
  }

  async #rosterOf(bucket: number, limit: number): Promise<(User & { since: number })[]> {
    const keys = [this.#keys.users(bucket), this.#keys.online(bucket), this.#keys.left(bucket)];
    const found = (await this.#retrying(() => this.#ledger.call("roster", keys, [limit]))) as (
      | Buffer
      | number
    )[];
    const users: (User & { since: number })[] = [];
    for (let i = 0; i < found.length; i += 3) {
      const name = (found[i] as Buffer).toString("latin1") as Name;
      users.push({
        name,
        status: STATUSES[found[i + 1] as number]!,
        since: found[i + 2] as number,
      });
    }
    return users;
  }

  /** Of a private conversation: the author's inbox and marks, and the other's, if there is another. */
  #inboxes(bucket: number, conversation: Conversation, author: Name): string[] {
    if (conversation.kind !== "direct") return [];
    const people = new Set([author, otherOf(conversation, author)]);
    return [...people].flatMap((name) => [
      this.#keys.inbox(bucket, name),
      this.#keys.marks(bucket, name),
    ]);
  }

  #keysOf(name: Name): string[] {
    return this.#keys.ofUsers(bucketOfUser(name), this.#standing.incarnation);
  }

  #retrying<T>(step: () => Promise<T>): Promise<T> {
    return retrying(this.#settings.deadlineMs, step);
  }
}

function bytes(name: string): Buffer {
  return Buffer.from(name, "latin1");
}
