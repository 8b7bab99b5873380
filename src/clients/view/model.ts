/**
 * What a screen of the chat shows, as one plain value; with the actions that change it and the effects that follow.
 *
 * `update(view, action, nowMs)` takes an action (from the SDK, or from the user) and returns the next view and its
 * effects. `ViewStore` does both for one SDK client. `timelineRows`, `conversationList`, `peopleList`, `typingIn`,
 * `ownStatus`, `heldCount` and `secondsToRetry` read a view. Everything in this room is pure: no DOM, no sockets,
 * no timers, no texts. Whatever a person reads is an id (`Problem`) that each screen has words for.
 */
import type {
  Conversation as WelcomedConversation,
  Gap,
  HistoryPage,
  Message,
  PresenceChange,
  Published,
  ReadMark,
  Role,
  State,
  Status,
  Typing,
} from "../sdk/events.js";
import type { TertuliaErrorCode } from "../sdk/error.js";

/** `~`: the conversation of everybody; `@name`: with that user. */
export type Conv = string;

/**
 * Why something did not work. `replaced`: another connection has the name; `sent_away`: by a moderator or the operator;
 * `revoked`: the login session or token of this client was ended; `unregistered`: the user has left for good; `unknown`:
 * of no known kind.
 */
export type Problem =
  | TertuliaErrorCode
  | "replaced"
  | "sent_away"
  | "revoked"
  | "unregistered"
  | "unknown";

/** What this user sends, until it comes back as a message of the conversation. */
export interface Outgoing {
  readonly mid: string;
  readonly text: string;
  readonly ts: number;
  readonly state: "pending" | "sent" | "failed";
  /** If it failed. */
  readonly problem?: Problem;
}

/** A message that an earlier page of this user was sending, or could not send. */
export interface Unsent extends Omit<Outgoing, "state"> {
  readonly conv: Conv;
}

export interface Conversation {
  readonly conv: Conv;
  /** Stored messages, by number, each once. There may be holes. */
  readonly messages: readonly Message[];
  /** In the order of sending. */
  readonly outgoing: readonly Outgoing[];
  /** Number of the newest message there is; 0: none. */
  readonly head: number;
  /** Number of the oldest message that is kept. */
  readonly floor: number;
  /** When the newest message was written, as the welcome said; 0: never. */
  readonly ts: number;
  /** Up to here this user has read. */
  readonly read: number;
  /** The read mark that the chat was told last, and when. */
  readonly reportedRead: number;
  readonly reportedAtMs: number;
  /** Where the messages begin that were unread when the conversation was opened. */
  readonly newFrom: number | undefined;
  /** The page of history that is being requested; without `before`, the newest. */
  readonly loading: { readonly ask: number; readonly before: number | undefined } | undefined;
  /** Whether the newest page has been loaded. */
  readonly isLoaded: boolean;
  /** Something is missing since the last connection; a gap event will say what. */
  readonly expectsGap: boolean;
  readonly draft: string;
}

export type Connection =
  /** Not joined yet, or left. */
  | { readonly name: "away" }
  | { readonly name: "connecting"; readonly wasOpen: boolean }
  | { readonly name: "open" }
  | { readonly name: "waiting"; readonly retryAtMs: number; readonly wasOpen: boolean }
  /** For good, and not by this user. `code` is that of the WebSocket. `why`: as the chat says it, if a person said it. */
  | {
      readonly name: "closed";
      readonly code: number;
      readonly problem: Problem;
      readonly why?: string | undefined;
    };

/** One user whose card is open. */
export interface Card {
  readonly user: string;
  /** `asking`; `unknown`: nobody ever had that name. */
  readonly status: Status | "disconnected" | "unknown" | "asking";
}

export interface View {
  readonly me: string;
  readonly connection: Connection;
  /** What this user may do to others; undefined where names belong to nobody for good. */
  readonly role: Role | undefined;
  /** The status this user chose last, and when the chat accepted it (Infinity: not yet). Older reports do not count against it. */
  readonly chosen: Status;
  readonly chosenAtMs: number;
  readonly conversations: ReadonlyMap<Conv, Conversation>;
  /** The one on the screen. */
  readonly open: Conv;
  /** While busy: the head of each conversation when it began. Later messages are held back. */
  readonly doNotDisturb: ReadonlyMap<Conv, number> | undefined;
  /** Connected users that the chat tells of, this one included. */
  readonly people: ReadonlyMap<string, Status>;
  /** How many users are connected. */
  readonly count: number;
  /** Whether `people` has all of them. */
  readonly isFull: boolean;
  readonly search: string;
  /** Who is typing in a conversation, and until when that is shown. */
  readonly typing: ReadonlyMap<Conv, ReadonlyMap<string, number>>;
  /** Whether this user sees the end of the open conversation. */
  readonly isLooking: boolean;
  readonly card: Card | undefined;
  readonly problem: Problem | undefined;
  /** The longest text, in characters. */
  readonly maxChars: number;
  /** Numbers the requested pages. */
  readonly lastAsk: number;
  /** The watch list: users that the chat tells of even when there are too many for all. */
  readonly watched: readonly string[] | undefined;
}

/** What happened. */
export type Action =
  // from the SDK
  | { readonly type: "state"; readonly state: State }
  | {
      readonly type: "welcome";
      readonly conversations: readonly WelcomedConversation[];
      readonly maxChars: number;
      readonly role?: Role | undefined;
    }
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "presence"; readonly change: PresenceChange }
  | { readonly type: "typing"; readonly typing: Typing }
  | { readonly type: "read"; readonly mark: ReadMark }
  | { readonly type: "gap"; readonly gap: Gap }
  | { readonly type: "error"; readonly problem: Problem }
  // answers to effects
  | { readonly type: "published"; readonly published: Published }
  | {
      readonly type: "publish failed";
      readonly conv: Conv;
      readonly mid: string;
      readonly problem: Problem;
    }
  | { readonly type: "page"; readonly ask: number; readonly page: HistoryPage }
  | {
      readonly type: "page failed";
      readonly ask: number;
      readonly conv: Conv;
      readonly problem: Problem;
    }
  | { readonly type: "status set" }
  | { readonly type: "status failed"; readonly problem: Problem }
  | { readonly type: "user"; readonly user: string; readonly status: Card["status"] }
  // from the user
  | { readonly type: "open"; readonly conv: Conv }
  | { readonly type: "draft"; readonly conv: Conv; readonly text: string }
  /** Sends the text to the open conversation; `mid` is made up by the screen. */
  | { readonly type: "send"; readonly text: string; readonly mid: string }
  /** Kept by an earlier page: sent again, in the order of their times. */
  | { readonly type: "unsent"; readonly messages: readonly Unsent[] }
  | { readonly type: "retry"; readonly conv: Conv; readonly mid: string }
  | { readonly type: "discard"; readonly conv: Conv; readonly mid: string }
  /** Requests the page before this number, or before the oldest loaded message. */
  | { readonly type: "older"; readonly conv: Conv; readonly before?: number }
  | { readonly type: "choose status"; readonly status: Status }
  | { readonly type: "search"; readonly text: string }
  | { readonly type: "show card"; readonly user: string }
  | { readonly type: "hide card" }
  /** Whether somebody is at the screen and sees the newest messages. */
  /** `isHere`: this user did something just now, in whatever part of the conversation. */
  | { readonly type: "look"; readonly isLooking: boolean; readonly isHere: boolean }
  | { readonly type: "dismiss" }
  | { readonly type: "leave" }
  /** About once a second. */
  | { readonly type: "tick" };

/** What is to be asked of the chat, or shown outside of the screen. */
export type Effect =
  | {
      readonly type: "publish";
      readonly conv: Conv;
      readonly text: string;
      readonly mid: string;
      /** If an earlier page sent it first. */
      readonly firstSentMs?: number;
    }
  | {
      readonly type: "history";
      readonly ask: number;
      readonly conv: Conv;
      readonly before?: number;
    }
  | { readonly type: "read"; readonly conv: Conv; readonly seq: number }
  | { readonly type: "status"; readonly status: Status }
  | { readonly type: "typing"; readonly conv: Conv }
  | { readonly type: "watch"; readonly names: readonly string[] }
  | { readonly type: "user"; readonly user: string }
  /** Somebody else wrote, and this user is not looking. */
  | { readonly type: "notify"; readonly message: Message }
  | { readonly type: "close" };

export interface Step {
  readonly view: View;
  readonly effects: readonly Effect[];
}

export const EVERYBODY: Conv = "~";

/** The view of somebody who has not connected yet. `open`: the conversation to begin with. */
export function begin(me: string, open: Conv = EVERYBODY): View {
  return {
    me,
    connection: { name: "away" },
    role: undefined,
    chosen: "active",
    chosenAtMs: -Infinity,
    conversations: new Map([EVERYBODY, open].map((conv) => [conv, emptyConversation(conv)])),
    open,
    doNotDisturb: undefined,
    people: new Map(),
    count: 0,
    isFull: true,
    search: "",
    typing: new Map(),
    isLooking: false,
    card: undefined,
    problem: undefined,
    maxChars: 4_096,
    lastAsk: 0,
    watched: undefined,
  };
}

export function emptyConversation(conv: Conv): Conversation {
  return {
    conv,
    messages: [],
    outgoing: [],
    head: 0,
    floor: 1,
    ts: 0,
    read: 0,
    reportedRead: 0,
    reportedAtMs: -Infinity,
    newFrom: undefined,
    loading: undefined,
    isLoaded: false,
    expectsGap: false,
    draft: "",
  };
}
