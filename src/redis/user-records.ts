/** All that is kept of a user in Redis: to remove it, and to tell it. See lua/4-unregister.lua. */
import type { Conversation } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import { STATUSES, type Name } from "../chat/names.js";
import type { KeptOfUser, Leaving, LeavingOutcome, UserRecords } from "../chat/own-data.js";
import { Unavailable } from "../chat/ports.js";
import type { MessageWriter } from "./append-queue.js";
import { DamagedValue } from "./damage.js";
import { decodeRecord } from "./events.js";
import { Clearing } from "./clearing.js";
import type { FunctionLibrary, LibraryFunction } from "./function-library.js";
import { bucketOfConversation, bucketOfUser, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { attempting, retrying } from "./retry.js";

export interface UserRecordsSettings {
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  readonly historyMaxAgeMs: number;
  /** Whether names are proved by tokens of somebody else: who leaves for good makes those worthless that it has. */
  readonly hasTokens: boolean;
}

/** For what a user wrote to everybody: messages that one call looks at, and of how many bytes. */
const [LOOKED_AT, LOOKED_AT_BYTES] = [2_000, 524_288];

/** Before whom the user blocks, as `kept_of_user` tells it. */
const KEPT_FIELDS = 6;

type Argument = string | Buffer | number;
type Removed = [outcome: Buffer, atMs: number, sinceMs: number, erases: number, replicas: number];

export class RedisUserRecords implements UserRecords {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #settings: UserRecordsSettings;
  readonly #clearing: Clearing;

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
    this.#clearing = new Clearing(library, keys, settings);
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
      await this.#clearing.clear({ name, atMs, sinceMs: since, erases: isErasing === 1 });
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

  async kept(name: Name, sinceMs: number): Promise<KeptOfUser> {
    const bucket = bucketOfUser(name);
    const keys = [this.#keys.users(bucket), this.#keys.owners(bucket), this.#keys.account(name)];
    const answer = await this.#attempt("kept_of_user", keys, [bytes(name), sinceMs]);
    const found = answer as (Buffer | null)[];
    const [status, since, ownerSince, created, role, revoked] = found
      .slice(0, KEPT_FIELDS)
      .map((each) => each?.toString());
    return {
      status: STATUSES[Number(status)],
      sinceMs: numberIn(since),
      ownerSinceMs: numberIn(ownerSince),
      accountCreatedMs: numberIn(created),
      role,
      tokensRevokedMs: numberIn(revoked),
      blocked: found.slice(KEPT_FIELDS).map((each) => nameAt(each!)),
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
    const args = [bytes(author), after, historyMaxAgeMs, sinceMs, LOOKED_AT, LOOKED_AT_BYTES];
    const answer = await this.#attempt("written_by", keys, args);
    const [next, ...records] = answer as [number, ...Buffer[]];
    const messages = records.flatMap((record) => this.#decoded(record, conversation) ?? []);
    return { messages, next: next < 0 ? undefined : next };
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
    const call = (): Promise<unknown> => this.#library.call(name, keys, args);
    return attempting(attempts, this.#settings.deadlineMs, call);
  }
}

function numberIn(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}
