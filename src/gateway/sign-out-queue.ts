/** The sign-out queue: signs out sessions that are gone, and tries until it succeeds: nobody could take their names. */
import { setMaxListeners } from "node:events";
import type { Chat } from "../chat/chat.js";
import type { Name } from "../chat/names.js";
import type { Holder } from "../chat/ports.js";
import type { Log } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";

/** Before a sign-out that failed is tried again: this, and up to as much at random. */
const AGAIN_AFTER_MS = 500;

export class SignOutQueue {
  readonly #chat: Chat;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #leaving = new Set<Promise<void>>();
  readonly #names = new Map<Name, number>();
  readonly #lingering = new Set<Holder>();

  constructor(chat: Chat, log: Log) {
    setMaxListeners(0, this.#stop.signal); // one for each session that lingers
    this.#chat = chat;
    this.#log = log;
  }

  /** Signs out after a delay. A client that comes back within it shares the name, and nobody sees it away. */
  signOut(holder: Holder, afterMs = 0): void {
    // a copy: the session may be named anew before this is done
    const { name, id } = holder;
    this.#names.set(name, (this.#names.get(name) ?? 0) + 1);
    const leaving = this.#signOut({ name, id, isLive: false }, afterMs).finally(() => {
      this.#leaving.delete(leaving);
      const left = this.#names.get(name)! - 1;
      if (left > 0) this.#names.set(name, left);
      else this.#names.delete(name);
    });
    if (afterMs === 0) this.#leaving.add(leaving);
  }

  /** Whether a session with this name is gone and not signed out yet. */
  has(name: Name): boolean {
    return this.#names.has(name);
  }

  /** Whether the name is kept for a while for a client that may come back. */
  lingers(name: Name): boolean {
    for (const holder of this.#lingering) if (holder.name === name) return true;
    return false;
  }

  /**
   * Waits until all are signed out, but no longer than this. Sessions that linger are left to the leader:
   * they keep their names until this node's lease ends.
   */
  async close(withinMs: number): Promise<void> {
    const timer = pauseUnlessAborted(withinMs, this.#stop.signal);
    await Promise.race([Promise.all(this.#leaving), timer]);
    this.#stop.abort();
  }

  async #signOut(holder: Holder, afterMs: number): Promise<void> {
    if (afterMs > 0) {
      this.#lingering.add(holder);
      await pauseUnlessAborted(afterMs, this.#stop.signal);
      this.#lingering.delete(holder);
    }
    while (!this.#stop.signal.aborted) {
      try {
        await this.#chat.leave(holder);
        return;
      } catch (error) {
        this.#log.warn(
          { event: "sign_out_failed", err: error, session: holder.id },
          "sign-out failed, trying again",
        );
        const waitMs = AGAIN_AFTER_MS * (1 + Math.random());
        await pauseUnlessAborted(waitMs, this.#stop.signal);
      }
    }
  }
}
