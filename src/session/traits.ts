/** Traits: what the clients of a dialect need of a session. The state machine is the same for all dialects. */

export type Traits = CatchUpTraits | LiveTraits;

/**
 * The client catches up: it claims its name by a `hello`, with its cursors; first it gets the messages that it has not
 * seen, then live notices. After a hole it is closed, and resumes.
 */
export interface CatchUpTraits extends CommonTraits {
  readonly catchesUp: true;
  /** Claimed before the 101, the name would have no cursors. */
  readonly nameInRequest: "introduced";
  readonly afterHole: "resume";
}

/** The client gets notices from the moment in which it has its name. It claims the name by a `register`. */
export interface LiveTraits extends CommonTraits {
  readonly catchesUp: false;
  /**
   * `claimed`: a name in the request line is claimed before the 101. `required`: and there must be one. `introduced`: it
   * is claimed after the 101, as if the client had asked for it by its first request.
   */
  readonly nameInRequest: "required" | "claimed" | "introduced";
  /** What happens to a client that missed events. `resume`: it is closed, and comes back. `evict`: it gets no more, and is evicted. */
  readonly afterHole: "resume" | "evict";
}

/** The traits that can be chosen one by one. */
interface CommonTraits {
  /** Whether a client that has no name yet after a while is closed. */
  readonly mustGreet: boolean;
  /** Whether nothing is written for a moment after the 101: one client loses what follows it at once. */
  readonly settles: boolean;
  /** Whether the name is kept for a while after a lost connection, so that others do not see a short interruption. */
  readonly lingers: boolean;
  /** What happens to a request that is too much: it is refused, or waits and is not refused. */
  readonly whenTooFast: "refuse" | "wait";
  /** When the client may get the notice of its own message. */
  readonly ownMessage: "any-time" | "after-reply";
  /** How a slow reader is ended: by a close frame, or by cutting the connection. */
  readonly slowReader: "close" | "cut";
  /** `always`: regularly. `if-offered`: only when its name is contested, and only a client that offered a subprotocol. */
  readonly pinged: "always" | "if-offered";
  /** Whether the client gets a warning before the node stops. */
  readonly isToldOfDrain: boolean;
  /** Which commands that have come are still executed after the client has disconnected. */
  readonly afterDisconnect: "messages" | "all-but-queries";
  /** Whether the client gets typing events of its own user. */
  readonly hearsOwnTyping: boolean;
}

/** Settings of the node: the same for all its sessions. */
export interface SessionSettings {
  /** Whether the reply to a message means more than its notice: that it is replicated. */
  readonly mustAwaitStore: boolean;
  /** Most bytes of notices that are buffered during catch-up. */
  readonly maxEarlyBytes: number;
}
