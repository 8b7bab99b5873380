/** The audit: gives back names that the store counts as this node's, but no session of it has. */
import type { Name } from "../chat/names.js";
import type { UserStore } from "../chat/ports.js";
import type { Hub } from "./hub.js";
import type { SignOutQueue } from "./sign-out-queue.js";

export class Audit {
  readonly #store: Pick<UserStore, "owned" | "disown">;
  readonly #buckets: number;
  readonly #hub: Hub;
  readonly #leavers: SignOutQueue;
  #turn = 0;
  /** Of these it was not looked, since Redis may have come to hold older data, what that says of this node. */
  readonly #doubted = new Set<number>();

  constructor(
    store: Pick<UserStore, "owned" | "disown">,
    buckets: number,
    hub: Hub,
    leavers: SignOutQueue,
  ) {
    this.#store = store;
    this.#buckets = buckets;
    this.#hub = hub;
    this.#leavers = leavers;
  }

  /** Redis may hold older data, and count as this node's what was given back since. */
  doubt(): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++) this.#doubted.add(bucket);
  }

  /**
   * A name that is contested: what no session has is given back at once. All nodes hear of all contests, so a node
   * that has nothing to do with the name, and no doubt, does not ask Redis. @throws Unavailable
   */
  async look(name: Name): Promise<void> {
    const mayBeOurs = this.#hub.has(name) || this.#doubted.size > 0;
    if (!mayBeOurs || this.#leavers.has(name)) return;
    const sessions = [...this.#hub.named(name)].map(({ nameClaim }) => nameClaim.id);
    await this.#store.disown(name, sessions);
  }

  /** Of one bucket; the next call takes the next one. @throws Unavailable */
  async next(): Promise<void> {
    const bucket = this.#turn++ % this.#buckets;
    for (const name of await this.#store.owned(bucket)) {
      const isOurs = this.#hub.has(name) || this.#leavers.has(name);
      if (!isOurs) await this.#store.disown(name);
    }
    this.#doubted.delete(bucket);
  }
}
