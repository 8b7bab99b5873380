/** Removes messages: see lua/3-removal.lua. */
import { Unavailable, type Removal, type RemovalOutcome } from "../chat/ports.js";
import type { Name } from "../chat/names.js";
import type { Membership } from "../cluster/ports.js";
import type { MessageWriter, StoreSettings } from "./append-queue.js";
import type { Keys } from "./keys.js";
import { nameAt } from "./name-bytes.js";
import type { Places } from "./places.js";
import { retrying } from "./retry.js";

const [REMOVED, UNKNOWN, FORBIDDEN] = [0, 1, 2];

/** No user has this name. */
const OPERATOR = "" as Name;

type Answer = readonly [replicas: number, code: number, seq?: number, author?: Buffer, by?: Buffer];

export class Removals {
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #places: Places;
  readonly #membership: Membership;
  readonly #settings: StoreSettings;

  constructor(
    writer: MessageWriter,
    keys: Keys,
    places: Places,
    membership: Membership,
    settings: StoreSettings,
  ) {
    this.#writer = writer;
    this.#keys = keys;
    this.#places = places;
    this.#membership = membership;
    this.#settings = settings;
  }

  /**
   * @throws Unavailable if there is no answer in time, if its author has lost the name, or while a gateway of an earlier
   *   release is there: it could not read what is left
   */
  async remove(removal: Removal): Promise<RemovalOutcome> {
    const { deadlineMs } = this.#settings;
    const [, code, seq, author, by] = await retrying(deadlineMs, () => this.#attempt(removal));
    switch (code) {
      case REMOVED:
        return {
          outcome: "removed",
          seq: seq!,
          author: nameAt(author!),
          by: by!.length === 0 ? undefined : nameAt(by!),
        };
      case UNKNOWN:
        return { outcome: "unknown" };
      case FORBIDDEN:
        return { outcome: "forbidden" };
      default:
        throw new Unavailable("a gateway of an earlier release is there");
    }
  }

  /** Repeating it is safe. @throws the error of Redis, of the connection or of {@link Replication} */
  async #attempt({ author, conversation, seq, sinceMs, ofAnybody }: Removal): Promise<Answer> {
    if (author?.isLive === false) throw new Unavailable("the session has lost its name");
    const isOperator = author === undefined;
    if (!isOperator && !this.#membership.isMember)
      throw new Error("FENCED this node is not a member");
    const { library, replication } = this.#writer;
    const { historyKeep, historyMaxAgeMs } = this.#settings;
    const name = author?.name ?? OPERATOR;
    const { bucket, keys, removed, author: user, to } = this.#places.of(conversation, name);
    const names = [
      this.#keys.meta(bucket),
      this.#keys.log(bucket),
      this.#keys.nodes(bucket),
      removed,
      this.#keys.marks(bucket, name),
      ...keys,
    ];
    const args = [
      isOperator ? "" : this.#membership.incarnation,
      historyKeep,
      historyMaxAgeMs,
      replication?.least ?? 0,
      user,
      to,
      seq,
      sinceMs,
      ofAnybody ? 1 : "",
    ];
    const write = () => library.call("remove", names, args) as Promise<Answer>;
    return replication === undefined ? write() : replication.covering(write, ([each]) => each);
  }
}
