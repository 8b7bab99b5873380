/** Who blocks whom, on Redis: lua/4-blocks.lua. */
import { conversationBetween, type DirectConversation } from "../chat/conversation.js";
import type { Name } from "../chat/names.js";
import type { BlockStore } from "../chat/ports.js";
import type { MessageWriter } from "./append-queue.js";
import type { FunctionLibrary, LibraryFunction } from "./function-library.js";
import { bucketOfConversation, bucketOfUser, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { attempting } from "./retry.js";
import { writing } from "./writing.js";

export interface BlockSettings {
  /** What has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  /** A conversation in which nothing was said for so long expires, unless one of its users blocks the other. */
  readonly historyMaxAgeMs: number;
  /** `tenure`: a block ends with the tenure of who imposed it; `name`: whoever has the name next has it as well. */
  readonly privateHistory: "tenure" | "name";
}

/** That one user blocks: each is a key that does not expire. */
const MOST_BLOCKS = 200;

type Answer = readonly [outcome: Buffer | number, replicas: number, ...lapsed: Buffer[]];

export class RedisBlocks implements BlockStore {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #settings: BlockSettings;

  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    settings: BlockSettings,
  ) {
    this.#library = library;
    this.#writer = writer;
    this.#keys = keys;
    this.#settings = settings;
  }

  async block(name: Name, other: Name, sinceMs: number): Promise<"done" | "full"> {
    const args = [bytes(other), sinceMs, MOST_BLOCKS];
    const [outcome, , ...lapsed] = await this.#write("set_block", [this.#keys.account(name)], args);
    if (outcome.toString() === "full") return "full";
    await this.#write("hint_block", [this.#conversation(name, other)], [bytes(name)]);
    await Promise.all(lapsed.map((each) => this.#unhint(name, nameAt(each))));
    return "done";
  }

  async unblock(name: Name, other: Name): Promise<void> {
    await this.#write("unset_block", [this.#keys.account(name)], [bytes(other)]);
    await this.#unhint(name, other);
  }

  async blocked(name: Name, sinceMs: number): Promise<Name[]> {
    const found = await this.#call("list_blocks", [this.#keys.account(name)], [sinceMs]);
    return (found as Buffer[]).map((each) => nameAt(each));
  }

  /** Whether `name` blocks the other one; for who was told so by a hint, which is taken away if it is there in vain. */
  async isBlocking(name: Name, other: Name): Promise<boolean> {
    const bucket = bucketOfUser(name);
    const keys = [this.#keys.account(name), this.#keys.users(bucket), this.#keys.owners(bucket)];
    const args = [bytes(name), bytes(other), this.#settings.privateHistory];
    if ((await this.#call("is_blocked", keys, args)) === 1) return true;
    await this.#unhint(name, other);
    return false;
  }

  /** Whether the other user may block the author. */
  async isHinted(conversation: DirectConversation, other: Name): Promise<boolean> {
    const key = this.#keys.conversation(bucketOfConversation(conversation), conversation);
    const { attempts, redis } = this.#library;
    const field = bytes(`blocks:${other}`);
    const answer = await attempting(attempts, this.#settings.deadlineMs, () =>
      redis.hexists(key, field),
    );
    return answer === 1;
  }

  async #unhint(name: Name, other: Name): Promise<void> {
    const args = [bytes(name), this.#settings.historyMaxAgeMs];
    await this.#write("unhint_block", [this.#conversation(name, other)], args);
  }

  #conversation(name: Name, other: Name): string {
    const conversation = conversationBetween(name, other);
    return this.#keys.conversation(bucketOfConversation(conversation), conversation);
  }

  #write(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (Buffer | string | number)[],
  ): Promise<Answer> {
    return writing(
      this.#writer,
      this.#settings.deadlineMs,
      (library) => library.call(name, keys, args) as Promise<Answer>,
      ([, replicas]) => replicas,
    );
  }

  #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (Buffer | string | number)[],
  ): Promise<unknown> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, () =>
      this.#library.call(name, keys, args),
    );
  }
}
