/** Options of `connect` and of the calls. */
import type { Debug } from "./debug.js";
import type { Cursors } from "./events.js";
import type { WebSocketConstructor } from "./web-socket.js";

export interface ConnectOptions {
  /** Who one is; 1 to 64 bytes of UTF-8. */
  readonly name: string;
  /** Whoever knows it shares the name while it is held; kept, it lets a reloaded page come back at once. */
  readonly key?: string | undefined;
  /** Comes busy, unless another device of this user is here: then as that one is. */
  readonly isBusy?: boolean | undefined;
  /** `Tertulia.cursors` of an earlier life: what was missed since then comes first. */
  readonly cursors?: Cursors | undefined;
  /**
   * Keeps `key` and `cursors` for this address and name, so that a reloaded page is the same person and
   * goes on where it was: `sessionStorage`, of which each tab has its own. Written after the listeners
   * of a message were told: what comes again after a crash is at most the message they were being told of.
   */
  readonly storage?: StorageLike | undefined;
  /** Default: the environment's own. Node has none below 22: pass that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Aborted, it closes. */
  readonly signal?: AbortSignal | undefined;
  /** Name and version of the program, for the server's log. */
  readonly client?: string | undefined;
  /** So many requests may wait for an answer (default 1,000); the next is rejected (`outbox_full`). */
  readonly outboxLimit?: number | undefined;
  readonly timing?: Partial<Timing> | undefined;
  /** Told of everything that happens underneath: no texts, no keys. */
  readonly debug?: Debug | undefined;
}

/** As much of `sessionStorage` as is needed. */
export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface CallOptions {
  /** Aborted, the call is rejected with the signal's reason; what was sent may happen all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface PublishOptions extends CallOptions {
  /** Made up if not given; a message published again under the same one is stored once. */
  readonly mid?: string | undefined;
  /**
   * When it was sent first under this `mid`, if that was in an earlier life: as `Date.now()` counts. After
   * 14 minutes it might be stored twice, and is rejected (`unconfirmed`).
   */
  readonly firstSentMs?: number | undefined;
}

export interface EventsOptions extends CallOptions {
  /** So many events may wait to be read (default 1,000); one more, and reading fails (`overflow`). */
  readonly limit?: number | undefined;
}

export interface HistoryOptions extends CallOptions {
  /** The newest messages before this number … */
  readonly before?: number | undefined;
  /** … or the oldest after this one. Neither: the newest. */
  readonly after?: number | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}

/** How long a client waits for what. Infinity is allowed. */
export interface Timing {
  /** For the connection and its welcome; default 10,000. */
  readonly openWithinMs: number;
  /** Silence, before it asks whether somebody is there; default 10,000. */
  readonly pingAfterMs: number;
  /** For anything to come after that; default 10,000. */
  readonly pongWithinMs: number;
  /**
   * For a name that somebody holds, when joining for the first time: default 6,000, twice as long as a page
   * that vanished keeps its name. 0: it is refused at once.
   */
  readonly nameWithinMs: number;
}
