/**
 * Presence on this node: reads who is connected, times the windows, and hands the changes of each window to the
 * sessions that follow presence. Which session is told what is decided in chat/presence.
 */
import type { Chat } from "../chat/chat.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import { PresenceRollup, type PresenceSnapshot, type RollupSettings } from "../chat/presence.js";
import type { Log } from "../observe.js";
import type { Hub } from "./hub.js";
import type { Session } from "./session.js";

export interface PresenceDependencies {
  readonly chat: Pick<Chat, "present">;
  readonly hub: Pick<Hub, "deliverPresence">;
  readonly log: Pick<Log, "warn">;
}

const READ_AGAIN_AFTER_MS = 1_000;

export class Presence {
  readonly #rollup: PresenceRollup<Session>;
  readonly #dependencies: PresenceDependencies;
  #state: "open" | "closed" = "open";
  /** The last reading that was asked for. */
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: RollupSettings, dependencies: PresenceDependencies) {
    this.#rollup = new PresenceRollup(settings);
    this.#dependencies = dependencies;
  }

  /** How many users are connected in the whole cluster. */
  get count(): number {
    return this.#rollup.count;
  }

  /** Reads buckets anew, one after the other, while notices go on coming. */
  load(buckets: readonly number[]): Promise<void> {
    const reading = this.#reading.then(() => this.#read(buckets));
    this.#reading = reading.catch(() => {}); // the caller is told of a failure
    return reading;
  }

  /** Reads a bucket anew; tries again until that succeeds. */
  reload(bucket: number): void {
    this.load([bucket]).catch((error: unknown) => {
      this.#dependencies.log.warn(
        { event: "presence_unread", err: error, bucket },
        "presence could not be read, trying again",
      );
      const again = (): void => (this.#state === "open" ? this.reload(bucket) : undefined);
      setTimeout(again, READ_AGAIN_AFTER_MS).unref();
    });
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

  async #read(buckets: readonly number[]): Promise<void> {
    this.#rollup.beginReading();
    try {
      for (const bucket of buckets) {
        const present = await this.#dependencies.chat.present(bucket);
        this.#rollup.take(present, performance.now());
        this.#scheduleClose();
      }
    } finally {
      this.#rollup.endReading();
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
