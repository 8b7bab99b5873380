/** A session: one connection and its dialogue with the chat. Its interface to the gateway, and what it needs of it. */
import type { Socket } from "node:net";
import type { Chat } from "../chat/chat.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { PresenceSnapshot } from "../chat/presence.js";
import type { ActivityKind } from "../chat/ports.js";
import type { Observe } from "../observe.js";
import type { SessionState } from "../session/state.js";
import type { SessionSettings } from "../session/traits.js";
import type { Dialect } from "../wire/dialect.js";
import type { AnsweringSocket } from "./answering-socket.js";
import type { Broadcast } from "./broadcast.js";
import type { EventLog, LoggedEnding } from "./event-log.js";
import type { Frame } from "./frame.js";
import type { RequestLimits } from "../limits/budget.js";
import type { ClaimLimits } from "./claim-limits.js";
import type { SendQueueLimits } from "./send-queue.js";
import type { SessionHolder } from "./session-holder.js";
import type { Turns } from "./turns.js";
import type { Window } from "../window.js";
import type { Claimed } from "../session/effects.js";
import type { CloseReason } from "../session/endings.js";

/** A session in any dialect, as hub and gateway see it. Questions about its state: session/questions. */
export interface Session {
  readonly state: SessionState;
  readonly holder: SessionHolder;
  readonly dialect: Dialect;
  /** Claims the name of the request line, before the upgrade is answered. */
  claim(name: Name): Promise<Claimed>;
  /** The upgrade is done: reads from now on, and writes. */
  attach(webSocket: AnsweringSocket, socket: Socket): void;
  /** Requests the name of the request line, as if it were the client's first request. */
  introduce(name: Name): void;
  /** Delivers a notice, encoded in its dialect. Returns whether the client gets it, now or later. */
  hear(notice: Notice, frame: Frame | undefined): boolean;
  /**
   * Shares the broadcast, if the client gets every notice for everybody: its frames need not be heard one by one. Ends
   * by {@link unshare}, or when that is no longer so. Returns whether it shares it now.
   */
  share(broadcast: Broadcast): boolean;
  /** From here on, notices for everybody have to be heard; those before are in the send queue. */
  unshare(): void;
  /** Puts the name in doubt: nothing is sent and nothing executed until it is reclaimed. */
  suspend(): void;
  /**
   * Claims the name again, and closes if another session has it. If the data may be older, its holder there may be
   * gone: the name is contested, and the outcome is not awaited here.
   * @throws Unavailable
   */
  reclaim(mayBeOlder: boolean): Promise<void>;
  /** Whether the client is alive, as far as can be found out. A connection that should answer and does not is cut. */
  isThere(): Promise<boolean>;
  /** Ends a client that has read nothing, or shown no sign of life, for too long. Steady clock. */
  checkPace(nowMs: number): void;
  /** @param detail what the client is told instead of the reason in the table of close codes */
  close(why: CloseReason, detail?: string): void;
  /** The same, behind the answers that are under way; what was not begun is dropped. */
  expel(why: CloseReason): void;
  /** The connection is closed: carries out the requests that have come, then signs out. */
  end(): Promise<void>;
  /** Carries out the requests that have come, refuses later ones, and gives the name back unless it lingers. Never rejects. */
  leave(): Promise<void>;
  /**
   * The node is stopping: tells the client in how many ms to reconnect elsewhere. Returns false if the client cannot do
   * so before this session has left: it cannot be told, or has no key to share the name with.
   */
  goAway(inMs: number): boolean;
  /** Drops the requests that have come and are not carried out yet. */
  abandon(): void;
}

/** Presence, for sessions that follow it. */
export interface FollowedPresence {
  /** @param self is connected, even if the feed has not told so yet */
  follow(session: Session, watch: ReadonlySet<Name>, self?: Name): PresenceSnapshot;
  unfollow(session: Session): void;
}

/** What a session needs of its gateway. */
export interface SessionDependencies {
  readonly chat: Chat;
  readonly presence: FollowedPresence;
  readonly observe: Observe;
  readonly events: EventLog;
  readonly limits: SendQueueLimits;
  readonly requestLimits: RequestLimits;
  readonly claimLimits: ClaimLimits;
  /** In which connections take their frames. */
  readonly turns: Turns;
  /** When a client gets what it alone waits for. */
  readonly replyWindow: Window;
  readonly settings: SessionSettings;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
  /** The session is about to claim its name: from here on it must get notices. */
  readonly onClaiming: (session: Session) => void;
  /** It shares no broadcast any more. */
  readonly onUnshared: (session: Session) => void;
  /** The claim failed: refused or, if `isUnsure`, not answered, so the store may have granted it. */
  readonly onUnclaimed: (session: Session, isUnsure: boolean) => void;
  /** The name is taken: gives its holder time to prove that it is alive; says whether to claim it once more. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  /** The name was given back: later notices for it are for another session. */
  readonly onLeft: (session: Session) => void;
  /** Activity of a person, not of a client program. */
  readonly onActive: (session: Session, kind: ActivityKind) => void;
  /** The client sets its status: earlier activity no longer counts. */
  readonly onStatus: (session: Session) => void;
  /** The connection is closed, and all requests are done. */
  readonly onEnded: (session: Session, ending: LoggedEnding) => void;
}
