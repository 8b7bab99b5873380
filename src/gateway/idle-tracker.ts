/**
 * The idle tracker: which sessions were active since the last beat. The store is told of all of them once a second,
 * and at once of a session whose user is inactive, because everybody must hear that the user is back.
 */
import type { Chat } from "../chat/chat.js";
import type { ActivityKind } from "../chat/ports.js";
import type { Log } from "../observe.js";
import { nameOf, statusOf } from "../session/questions.js";
import type { Session } from "./session.js";

export class IdleTracker {
  readonly #chat: Chat;
  readonly #log: Log;
  #active = new Map<Session, ActivityKind>();

  constructor(chat: Chat, log: Log) {
    this.#chat = chat;
    this.#log = log;
  }

  note(session: Session, kind: ActivityKind): void {
    if (nameOf(session.state) === undefined) return;
    if (this.#active.get(session) !== "message") this.#active.set(session, kind);
    if (statusOf(session.state) === "inactive") void this.flush();
  }

  /** The user has chosen a status: earlier activity must not change it. */
  forget(session: Session): void {
    this.#active.delete(session);
  }

  /** Tells the store of all sessions that were active since the last call. Never rejects. */
  async flush(): Promise<void> {
    const active = [...this.#active]
      .filter(([{ state }]) => nameOf(state) !== undefined)
      .map(([{ holder }, kind]) => ({ holder, kind }));
    this.#active = new Map();
    if (active.length === 0) return;
    try {
      await this.#chat.touch(active);
    } catch (error) {
      // these users count as idle until they do something again
      const users = active.length;
      this.#log.warn(
        { event: "activity_not_noted", err: error, users },
        "activity could not be noted",
      );
    }
  }
}
