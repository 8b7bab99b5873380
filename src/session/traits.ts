/** What a dialect's clients need of a session. A dialect states its traits; the state machine is the same for all. */

export interface Traits {
  /**
   * A name in the request line: `required` and `claimed` are claimed before the upgrade is answered; `introduced` is
   * asked for by a first request that the node makes for the client.
   */
  readonly nameInRequest: "required" | "claimed" | "introduced";
  /** Whether the client must claim a name soon after it has connected, or is closed. */
  readonly mustGreet: boolean;
  /** Whether nothing is written for a moment after the upgrade: a client loses what comes right behind the 101. */
  readonly settles: boolean;
  /** Whether the name is kept for a while after a lost connection, so that the client can come back unseen. */
  readonly lingers: boolean;
  /** Whether a client is told what it missed, by its cursors, before what happens now. */
  readonly catchesUp: boolean;
  readonly isRateLimited: boolean;
  /** Whether the client's own message may reach it before the store's answer does. */
  readonly ownMessage: "any-time" | "after-reply";
  /** What becomes of a client that missed events: `resume`: it is closed and asks for them; `evict`: it hears no more. */
  readonly afterHole: "resume" | "evict";
  /** How a client that reads too slowly is ended: only some can be told why. */
  readonly slowReader: "close" | "cut";
  /** `always`: now and then; `if-offered`: only when its name is contested, and it offered a subprotocol. */
  readonly pinged: "always" | "if-offered";
  /** Whether the client can be told that the node is going away. */
  readonly isToldOfDrain: boolean;
  /** What is still carried out for a client that is gone: `messages`, or all but `questions`. */
  readonly lastWishes: "messages" | "all-but-questions";
  /** Whether the client hears that its own user is typing. */
  readonly hearsOwnTyping: boolean;
}

/** The same for all sessions of a node. */
export interface SessionSettings {
  /** Whether the store's answer to a message says more than the feed: that it is replicated. */
  readonly mustAwaitStore: boolean;
  /** More bytes of notices than this may not wait until a client has caught up. */
  readonly maxEarlyBytes: number;
  readonly requestsPerSecond: number;
}
