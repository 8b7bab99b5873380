/** What `connect` and the calls can be told. */
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
  /** Default: the environment's own. Node has none below 22: pass that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Aborted, it closes. */
  readonly signal?: AbortSignal | undefined;
  /** Name and version of the program, for the server's log. */
  readonly client?: string | undefined;
  /** So many requests may wait for an answer (default 1,000); the next is rejected (`outbox_full`). */
  readonly outboxLimit?: number | undefined;
  readonly timing?: Partial<Timing> | undefined;
}

export interface CallOptions {
  /** Aborted, the call is rejected with the signal's reason; what was sent may happen all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface PublishOptions extends CallOptions {
  /** Made up if not given; a message published again under the same one is stored once. */
  readonly mid?: string | undefined;
}

export interface HistoryOptions extends CallOptions {
  /** The newest messages before this number … */
  readonly before?: number | undefined;
  /** … or the oldest after this one. Neither: the newest. */
  readonly after?: number | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}

/** How long a link waits. */
export interface Timing {
  /** For the connection and its welcome; default 10,000. */
  readonly openWithinMs: number;
  /** Silence, before it asks whether somebody is there; default 20,000. */
  readonly pingAfterMs: number;
  /** For anything to come after that; default 10,000. */
  readonly pongWithinMs: number;
}
