/** The state of the subscription: whether this node hears what is published. Pure; feed.ts runs the effects. */

/**
 * - `new`: the first subscription is being made.
 * - `subscribed`: Redis has accepted it.
 * - `away`: the connection is lost or was given up; the library makes another one.
 * - `subscribing`: a new connection has been asked for it.
 */
export type SubscriptionState = "new" | "subscribed" | "away" | "subscribing" | "closed";

export type SubscriptionInput =
  /** The connection is ready. */
  | "connected"
  /** The connection is lost. */
  | "lost"
  /** Redis accepted the subscription. */
  | "subscribed"
  /** Redis did not. */
  | "refused"
  /** It does not deliver what is published. */
  | "unheard"
  | "close";

/**
 * - `subscribe`: ask the connection for it.
 * - `reconnect`: close the connection; the library makes another one.
 * - `resume`: read what was missed.
 */
export type SubscriptionEffect = "subscribe" | "reconnect" | "resume" | "none";

type Cell = readonly [next: SubscriptionState, effect: SubscriptionEffect];

const STAYS_NEW: Cell = ["new", "none"];
const STAYS_AWAY: Cell = ["away", "none"];
const STAYS_CLOSED: Cell = ["closed", "none"];

const TABLE: Readonly<Record<SubscriptionState, Readonly<Record<SubscriptionInput, Cell>>>> = {
  // the start of the feed retries by itself
  new: {
    connected: STAYS_NEW,
    lost: STAYS_NEW,
    subscribed: ["subscribed", "none"],
    refused: STAYS_NEW,
    unheard: STAYS_NEW,
    close: STAYS_CLOSED,
  },
  subscribed: {
    connected: ["subscribing", "subscribe"],
    lost: STAYS_AWAY,
    subscribed: ["subscribed", "none"],
    refused: ["subscribed", "none"],
    unheard: ["away", "reconnect"],
    close: STAYS_CLOSED,
  },
  away: {
    connected: ["subscribing", "subscribe"],
    lost: STAYS_AWAY,
    // answers of the lost connection
    subscribed: STAYS_AWAY,
    refused: STAYS_AWAY,
    unheard: STAYS_AWAY,
    close: STAYS_CLOSED,
  },
  subscribing: {
    connected: ["subscribing", "subscribe"],
    lost: STAYS_AWAY,
    subscribed: ["subscribed", "resume"],
    refused: ["away", "reconnect"],
    unheard: ["subscribing", "none"],
    close: STAYS_CLOSED,
  },
  closed: {
    connected: STAYS_CLOSED,
    lost: STAYS_CLOSED,
    subscribed: STAYS_CLOSED,
    refused: STAYS_CLOSED,
    unheard: STAYS_CLOSED,
    close: STAYS_CLOSED,
  },
};

export function nextSubscription(state: SubscriptionState, input: SubscriptionInput): Cell {
  return TABLE[state][input];
}
