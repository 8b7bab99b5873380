/** What a session and its gateway are to each other. */
import type { Chat } from "../chat/chat.js";
import type { Observe } from "../observe.js";
import type { OutboxLimits } from "./outbox.js";
import type { Session } from "./session.js";

/** What a session needs of its gateway. */
export interface SessionDoors {
  readonly chat: Chat;
  readonly observe: Observe;
  readonly limits: OutboxLimits;
  /** The session is about to claim the name: from here on it must hear notices. */
  readonly onClaiming: (session: Session) => void;
  /** The name is not the session's: refused, or, if `isUnsure`, perhaps claimed without an answer. */
  readonly onUnclaimed: (session: Session, isUnsure: boolean) => void;
  /** The client did something. */
  readonly onActive: (session: Session) => void;
  /** The connection is gone, and all that it had asked for is done. */
  readonly onEnded: (session: Session) => void;
}

/** A time in which a session's name may be somebody else's. */
export class Suspension {
  end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));
}
