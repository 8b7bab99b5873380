/** The audit: gives back names that the store counts as this node's, but that no session of it has. */
import type { Name } from "../chat/names.js";
import type { UserStore } from "../chat/ports.js";
import type { LocalNames } from "./ports.js";

export class Audit {
  readonly #store: Pick<UserStore, "owned" | "disown">;
  readonly #buckets: number;
  readonly #names: LocalNames;
  #turn = 0;
  /** Buckets that may count old claims as this node's, since Redis came to hold older data; not looked at yet. */
  readonly #doubted = new Set<number>();

  constructor(store: Pick<UserStore, "owned" | "disown">, buckets: number, names: LocalNames) {
    this.#store = store;
    this.#buckets = buckets;
    this.#names = names;
  }

  /** Redis may hold older data, and count as this node's what was given back since. */
  doubt(): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++) this.#doubted.add(bucket);
  }

  /**
   * A name is contested: what the store counts as this node's, and no session has, is given back at once. All nodes
   * hear of all contests, so a node that has nothing to do with the name, and no doubt, does not ask Redis.
   * @throws Unavailable
   */
  async look(name: Name): Promise<void> {
    const mayBeOurs = this.#names.isHeld(name) || this.#doubted.size > 0;
    if (!mayBeOurs || this.#names.isSigningOut(name)) return;
    await this.#store.disown(name, this.#names.sessionsOf(name));
  }

  /** Audits one bucket; the next call takes the next one. @throws Unavailable */
  async next(): Promise<void> {
    const bucket = this.#turn++ % this.#buckets;
    for (const name of await this.#store.owned(bucket)) {
      const isOurs = this.#names.isHeld(name) || this.#names.isSigningOut(name);
      if (!isOurs) await this.#store.disown(name);
    }
    this.#doubted.delete(bucket);
  }
}
