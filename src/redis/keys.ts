/** The names of keys, and the buckets of users and conversations. */
import { crc32 } from "node:zlib";
import { bytes } from "./name-bytes.js";
import type { Name } from "../chat/names.js";
import type { Conversation, RoomName } from "../chat/conversation.js";

/** A constant of the stored data: with another number, nothing would be found where it is. */
export const BUCKETS = 16;

export const ALL_BUCKETS: readonly number[] = Array.from({ length: BUCKETS }, (_, i) => i);

/** Keys of one bucket share a hash tag, so that all keys of a function are in one slot of a Redis Cluster. */
export class Keys {
  readonly #prefix: string;
  /** How the keys of each bucket begin. */
  readonly #starts: readonly string[];

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#starts = ALL_BUCKETS.map((bucket) => `${prefix}:{${String(bucket).padStart(2, "0")}}:`);
  }

  meta(bucket: number): string {
    return this.#key(bucket, "meta");
  }

  /** The stream of the log, and also the channel on which its events are published. */
  log(bucket: number): string {
    return this.#key(bucket, "log");
  }

  users(bucket: number): string {
    return this.#key(bucket, "users");
  }

  online(bucket: number): string {
    return this.#key(bucket, "online");
  }

  left(bucket: number): string {
    return this.#key(bucket, "left");
  }

  nodes(bucket: number): string {
    return this.#key(bucket, "nodes");
  }

  owned(bucket: number, incarnation: string): string {
    return this.#key(bucket, `owned:${incarnation}`);
  }

  /** To whom names belong when nobody holds them. */
  owners(bucket: number): string {
    return this.#key(bucket, "owners");
  }

  /** The keys of every function on users, in their order. */
  ofUsers(bucket: number, incarnation: string): string[] {
    return [
      this.meta(bucket),
      this.log(bucket),
      this.users(bucket),
      this.online(bucket),
      this.left(bucket),
      this.#key(bucket, "active"),
      this.nodes(bucket),
      this.owned(bucket, incarnation),
    ];
  }

  /** The same, and to whom names belong. */
  ofOwners(bucket: number, incarnation: string): string[] {
    return [...this.ofUsers(bucket, incarnation), this.owners(bucket)];
  }

  /** When users left for good, and how those are being cleared of whom something is still kept. */
  unregistered(bucket: number): string {
    return this.#key(bucket, "unregistered");
  }

  /** The same names by the time, for the leader. */
  unregistering(bucket: number): string {
    return this.#key(bucket, "unregistering");
  }

  /** The keys of a claim. */
  ofClaims(bucket: number, incarnation: string): string[] {
    return [...this.ofOwners(bucket, incarnation), this.unregistered(bucket)];
  }

  /** The keys of the step that removes a user. */
  ofUnregister(name: Name): string[] {
    const bucket = bucketOfUser(name);
    return [...this.ofClaims(bucket, "-"), this.account(name), this.unregistering(bucket)];
  }

  /** What proves whose a name is. */
  account(name: Name): string {
    return this.#key(bucketOfUser(name), `account:${encoded(name)}`);
  }

  /** The keys of a function that announces something of an account, in their order. */
  ofAccount(name: Name): string[] {
    const bucket = bucketOfUser(name);
    return [this.meta(bucket), this.log(bucket), this.account(name)];
  }

  /** Attempts to log in by this name from one network: a digest of it. */
  attempts(name: Name, network: string): string {
    return this.#key(bucketOfUser(name), `attempts:${encoded(name)}.${network}`);
  }

  conversation(bucket: number, conversation: Conversation): string {
    return this.#key(bucket, `conversation:${idOf(conversation)}`);
  }

  history(bucket: number, conversation: Conversation): string {
    return this.#key(bucket, `history:${idOf(conversation)}`);
  }

  /** What is left of the messages that were removed. */
  removed(bucket: number, conversation: Conversation): string {
    return this.#key(bucket, `removed:${idOf(conversation)}`);
  }

  /** The two hashes of the ids of messages that clients may send again. */
  ids(bucket: number): [string, string] {
    return [this.#key(bucket, "ids:0"), this.#key(bucket, "ids:1")];
  }

  /** A message's answer, where a release before 0.3 looks for it. */
  sent(bucket: number, conversation: Conversation, author: Name, mid: string): string {
    return this.#key(bucket, `sent:${idOf(conversation)}:${encoded(author)}:${mid}`);
  }

  /** The users with whom a user has a private conversation in this bucket. */
  inbox(bucket: number, name: Name): string {
    return this.#key(bucket, `inbox:${encoded(name)}`);
  }

  /** How far a user has read the conversations of this bucket. */
  marks(bucket: number, name: Name): string {
    return this.#key(bucket, `marks:${encoded(name)}`);
  }

  /** Of each bucket, a user's inbox and marks. */
  inboxesOf(name: Name): readonly (readonly [inbox: string, marks: string])[] {
    const user = encoded(name);
    return ALL_BUCKETS.map((bucket) => [
      this.#key(bucket, `inbox:${user}`),
      this.#key(bucket, `marks:${user}`),
    ]);
  }

  /** The channel on which a node publishes to itself. */
  probe(id: string): string {
    return `${this.#prefix}:probe:${id}`;
  }

  /** What is forbidden to whom, and the log of who forbade it. */
  moderation(): [sanctions: string, ends: string, log: string] {
    return [
      this.#key(0, "sanctions"),
      this.#key(0, "sanction_ends"),
      this.#key(0, "moderation_log"),
    ];
  }

  leader(): string {
    return this.#key(0, "leader");
  }

  #key(bucket: number, rest: string): string {
    return this.#starts[bucket]! + rest;
  }
}

export function bucketOfUser(name: Name): number {
  return crc32(bytes(name)) % BUCKETS;
}

export function bucketOfConversation(conversation: Conversation): number {
  return crc32(idOf(conversation)) % BUCKETS;
}

/** How keys name a conversation. A constant of the stored data. */
function idOf(conversation: Conversation): string {
  switch (conversation.kind) {
    case "general":
      return "~";
    case "direct":
      return conversation.between.map(encoded).join(".");
    case "room":
      return `#${encoded(conversation.room)}`;
    default:
      return conversation satisfies never;
  }
}

/** Names in keys are encoded: they may hold any byte. */
function encoded(name: Name | RoomName): string {
  return bytes(name).toString("base64url");
}
