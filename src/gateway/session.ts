/** A session: one connection and its dialogue with the chat. What it and its gateway are to each other. */
import type { Socket } from "node:net";
import type { Chat } from "../chat/chat.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { ActivityKind } from "../chat/ports.js";
import type { Observe } from "../observe.js";
import type { Close } from "../wire/close-codes.js";
import type { Dialect } from "../wire/dialect.js";
import type { AnsweringSocket } from "./answering-socket.js";
import type { Ending, EventLog } from "./event-log.js";
import type { Frame } from "./frame.js";
import type { NameClaim } from "./name-claim.js";
import type { SendQueueLimits } from "./send-queue.js";
import type { WriteCoalescer } from "./write-coalescer.js";

/** What hub, gateway and activity see of a session, whatever it speaks. */
export interface Session {
  readonly nameClaim: NameClaim;
  readonly dialect: Dialect;
  /** As far as the feed has told. */
  readonly isInactive: boolean;
  /** Whether its name is kept for a while after it is gone, so that the client can come back unseen. */
  readonly isLingering: boolean;
  /** Events were missed that it cannot be told of: it is told no more news, and has to leave. */
  readonly hasHole: boolean;
  /** The upgrade is done: reads from now on, and writes. */
  attach(webSocket: AnsweringSocket, socket: Socket): void;
  /** Hears a notice, encoded in its dialect. Returns whether it was for this session. */
  hear(notice: Notice, frame: Frame | undefined): boolean;
  /** The name may be somebody else's by now: nothing is told and nothing done until it is reclaimed. */
  suspend(): void;
  /** Claims again what the cluster may have given away meanwhile; closes if it has. See Hold. */
  reclaim(mayBeOlder: boolean): Promise<void>;
  /** Whether its client is there, as far as can be found out; a connection that should answer, and does not, is cut. */
  isThere(): Promise<boolean>;
  /** Cuts a reader that has taken nothing for too long. Steady clock, ms. */
  checkPace(now: number): void;
  close(close: Close): void;
  /** The connection is gone: carries out what it had still asked for, then signs out. */
  end(): Promise<void>;
  /** Carries out all that has come, refuses what comes later, and gives the name back unless it lingers. Never rejects. */
  leave(): Promise<void>;
  /**
   * The node is stopping: says in how many ms the client is to come back elsewhere. Returns false where
   * it cannot come back before this session has left: no word for it, or no key to share the name with.
   */
  goAway(inMs: number): boolean;
  /** Forgets what the client has asked for and is not done yet. */
  abandon(): void;
}

/** What a session needs of its gateway. */
export interface SessionDependencies {
  readonly chat: Chat;
  readonly observe: Observe;
  readonly events: EventLog;
  readonly limits: SendQueueLimits;
  readonly writeCoalescer: WriteCoalescer;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
  /** Whether the store's answer to a message says more than the feed: that it is replicated. */
  readonly mustAwaitStore: boolean;
  /** The session is about to claim its name: from here on it must hear notices. */
  readonly onClaiming: (session: Session) => void;
  /** The name is not the session's: refused, or, if `isUnsure`, perhaps claimed without an answer. */
  readonly onUnclaimed: (session: Session, isUnsure: boolean) => void;
  /** See HoldDoors. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  /** The name was given back: what is for it from here on is not for the session. */
  readonly onLeft: (session: Session) => void;
  /** Somebody did what no client does by itself. */
  readonly onActive: (session: Session, kind: ActivityKind) => void;
  /** The client chooses its status: what it did before does not change that. */
  readonly onStatus: (session: Session) => void;
  /** The connection is gone, and all that it had asked for is done. */
  readonly onEnded: (session: Session, ending: Ending) => void;
}
