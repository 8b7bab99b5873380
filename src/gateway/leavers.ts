/** Leavers: sign out who is gone, for as long as it takes: a name left behind could never be had again. */
import { setTimeout as pause } from "node:timers/promises";
import type { Chat } from "../chat/chat.js";
import type { Holder } from "../chat/ports.js";
import type { Log } from "../observe.js";

export class Leavers {
  readonly #chat: Chat;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #leaving = new Set<Promise<void>>();

  constructor(chat: Chat, log: Log) {
    this.#chat = chat;
    this.#log = log;
  }

  signOut(holder: Holder): void {
    // a copy: the session may be named anew before this is done
    const { name, id } = holder;
    const leaving = this.#signOut({ name, id, isLive: false }).finally(() => {
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }

  /** Waits until all are signed out, but no longer than this. The rest is left to the leader. */
  async close(withinMs: number): Promise<void> {
    const timer = pause(withinMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#leaving), timer]);
    this.#stop.abort();
  }

  async #signOut(holder: Holder): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#chat.leave(holder);
        return;
      } catch (error) {
        this.#log.warn({ err: error, session: holder.id }, "sign-out failed, trying again");
        await pause(500 + Math.random() * 500, undefined, { signal: this.#stop.signal }).catch(
          () => {},
        );
      }
    }
  }
}
