/**
 * Presence on this node: reads who is connected, times the windows, and hands the changes of each window to the
 * sessions that follow presence. Which session is told what is decided in chat/presence.
 */
import type { KnownPresence } from "../chat/dependencies.js";
import type { Notice } from "../chat/events.js";
import type { ConnectedStatus, Name } from "../chat/names.js";
import { Damaged, type Present, type UserStore } from "../chat/ports.js";
import { PresenceRollup, type PresenceSnapshot, type RollupSettings } from "../chat/presence.js";
import type { Log } from "../observe.js";
import type { Hub } from "./hub.js";
import type { Session } from "./session.js";

export interface PresenceDependencies {
  readonly users: Pick<UserStore, "present">;
  readonly hub: Pick<Hub, "deliverPresence">;
  readonly log: Pick<Log, "warn">;
  /** Whether this node hears at once what is announced. */
  readonly isHearing: () => boolean;
}

const READ_AGAIN_AFTER_MS = 1_000;

export class Presence implements KnownPresence {
  readonly #rollup: PresenceRollup<Session>;
  readonly #dependencies: PresenceDependencies;
  #state: "open" | "closed" = "open";
  /** The last reading that was asked for. */
  #reading: Promise<void> = Promise.resolve();
  /** How many readings are still to be made after a gap. Until then, users who left may look connected. */
  #unread = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: RollupSettings, dependencies: PresenceDependencies) {
    this.#rollup = new PresenceRollup(settings);
    this.#dependencies = dependencies;
  }

  /** How many users are connected in the whole cluster. */
  get count(): number {
    return this.#rollup.count;
  }

  /**
   * The status of a user who is connected, as of what this node has heard and told. Undefined: the user is not known
   * to be connected, or this node may have missed something.
   */
  statusOf(name: Name): ConnectedStatus | undefined {
    const isCurrent = this.#unread === 0 && this.#dependencies.isHearing();
    return isCurrent ? this.#rollup.statusOf(name) : undefined;
  }

  /** Reads buckets anew, one after the other, while notices go on coming. */
  load(buckets: readonly number[]): Promise<void> {
    const reading = this.#reading.then(() => this.#read(buckets));
    this.#reading = reading.catch(() => {}); // the caller is told of a failure
    return reading;
  }

  /** Reads a bucket of which something was missed anew; tries again until that succeeds. */
  reload(bucket: number): void {
    this.#unread++;
    this.#untilRead(bucket);
  }

  hear(notice: Extract<Notice, { type: "presence" }>): void {
    this.#rollup.hear(notice, performance.now());
    this.#scheduleClose();
  }

  /** See {@link PresenceRollup.follow}. */
  follow(session: Session, watch: ReadonlySet<Name>, self?: Name): PresenceSnapshot {
    return this.#rollup.follow(session, watch, self);
  }

  unfollow(session: Session): void {
    this.#rollup.unfollow(session);
  }

  /** Nobody is told any more. */
  close(): void {
    this.#state = "closed";
    clearTimeout(this.#timer);
  }

  #untilRead(bucket: number): void {
    this.load([bucket]).then(
      () => this.#unread--,
      (error: unknown) => {
        this.#dependencies.log.warn(
          { event: "presence_unread", err: error, bucket },
          "presence could not be read, trying again",
        );
        const again = (): void => (this.#state === "open" ? this.#untilRead(bucket) : undefined);
        setTimeout(again, READ_AGAIN_AFTER_MS).unref();
      },
    );
  }

  async #read(buckets: readonly number[]): Promise<void> {
    this.#rollup.beginReading();
    try {
      for (const bucket of buckets) {
        const present = await this.#presentIn(bucket, buckets.length - 1);
        if (present === undefined) continue;
        this.#rollup.take(present, performance.now());
        this.#scheduleClose();
      }
    } finally {
      this.#rollup.endReading();
    }
  }

  /** Undefined if what the store has is damaged, and others are read as well: it is read again until it is mended. */
  async #presentIn(bucket: number, others: number): Promise<Present | undefined> {
    try {
      return await this.#dependencies.users.present(bucket);
    } catch (error) {
      if (others === 0 || !(error instanceof Damaged)) throw error;
      this.reload(bucket);
      return undefined;
    }
  }

  #scheduleClose(): void {
    const { closesAtMs } = this.#rollup;
    if (this.#state === "closed") return;
    if (this.#timer !== undefined || closesAtMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#dependencies.hub.deliverPresence(this.#rollup.closeWindow(performance.now()));
      this.#scheduleClose(); // a timer may be a little early
    }, closesAtMs - performance.now());
  }
}
