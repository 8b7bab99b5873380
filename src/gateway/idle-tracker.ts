/**
 * Activity: who did something lately. Noted for all once a second; at once for who is inactive,
 * because everybody must hear that they are back.
 */
import type { Chat } from "../chat/chat.js";
import type { ActivityKind } from "../chat/ports.js";
import type { Log } from "../observe.js";
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
    if (!session.nameClaim.hasName) return;
    if (this.#active.get(session) !== "message") this.#active.set(session, kind);
    if (session.isInactive) void this.flush();
  }

  /** The user has chosen a status: what was done before does not change it. */
  forget(session: Session): void {
    this.#active.delete(session);
  }

  /** Tells the store of all who were active since the last time. */
  async flush(): Promise<void> {
    const active = [...this.#active]
      .filter(([{ nameClaim }]) => nameClaim.hasName)
      .map(([{ nameClaim: holder }, kind]) => ({ holder, kind }));
    this.#active = new Map();
    if (active.length === 0) return;
    try {
      await this.#chat.touch(active);
    } catch (error) {
      // they count as quiet until they do something again
      this.#log.warn({ err: error, users: active.length }, "activity could not be noted");
    }
  }
}
