/** A session: one connection and its dialogue with the chat. What it and its gateway are to each other. */
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
import type { EventLog, LoggedEnding } from "./event-log.js";
import type { Frame } from "./frame.js";
import type { SendQueueLimits } from "./send-queue.js";
import type { SessionHolder } from "./session-holder.js";
import type { WriteCoalescer } from "./write-coalescer.js";
import type { ClaimOutcome } from "../session/answers.js";
import type { CloseReason } from "../session/endings.js";

/** What hub and gateway see of a session, whatever it speaks. Questions about its state: session/questions. */
export interface Session {
  readonly state: SessionState;
  readonly holder: SessionHolder;
  readonly dialect: Dialect;
  /** Claims the name of the request line, before the upgrade is answered. */
  claim(name: Name): Promise<ClaimOutcome>;
  /** The upgrade is done: reads from now on, and writes. */
  attach(webSocket: AnsweringSocket, socket: Socket): void;
  /** Asks for the name of the request line, as the client's first request. */
  introduce(name: Name): void;
  /** Hears a notice, encoded in its dialect. Returns whether it was for this session. */
  hear(notice: Notice, frame: Frame | undefined): boolean;
  /** The name may be somebody else's by now: nothing is told and nothing done until it is reclaimed. */
  suspend(): void;
  /**
   * Claims again what the cluster may have given away meanwhile; closes if it has. On data that may be older, a
   * session of then may have the name and be gone: it is contested, which is not waited for here.
   * @throws Unavailable
   */
  reclaim(mayBeOlder: boolean): Promise<void>;
  /** Whether its client is there, as far as can be found out; a connection that should answer, and does not, is cut. */
  isThere(): Promise<boolean>;
  /** Ends a reader that has taken nothing for too long. Steady clock, ms. */
  checkPace(nowMs: number): void;
  close(why: CloseReason): void;
  /** The connection is gone: carries out what the client had still asked for, then signs out. */
  end(): Promise<void>;
  /** Carries out all that has come, refuses what comes later, and gives the name back unless it lingers. Never rejects. */
  leave(): Promise<void>;
  /**
   * The node is stopping: says in how many ms the client is to come back elsewhere. Returns false where
   * it cannot come back before this session has left: it cannot be told, or has no key to share the name with.
   */
  goAway(inMs: number): boolean;
  /** Forgets what the client has asked for and is not done yet. */
  abandon(): void;
}

/** Presence, as far as a session follows it. */
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
  readonly writeCoalescer: WriteCoalescer;
  readonly settings: SessionSettings;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
  /** The session is about to claim its name: from here on it must hear notices. */
  readonly onClaiming: (session: Session) => void;
  /** The name is not the session's: refused, or, if `isUnsure`, perhaps claimed without an answer. */
  readonly onUnclaimed: (session: Session, isUnsure: boolean) => void;
  /** A name was refused, for somebody holds it: whether to try again, once the holder has had time to show itself. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  /** The name was given back: what is for it from here on is not for the session. */
  readonly onLeft: (session: Session) => void;
  /** The client did something that no client does by itself. */
  readonly onActive: (session: Session, kind: ActivityKind) => void;
  /** The client chooses its status: what it did before does not change that. */
  readonly onStatus: (session: Session) => void;
  /** The connection is gone, and all that it had asked for is done. */
  readonly onEnded: (session: Session, ending: LoggedEnding) => void;
}
