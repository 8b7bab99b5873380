/** The audit: gives back names that the store counts as this node's, but no session of it has. */
import type { Name } from "../chat/model.js";
import type { Store } from "../chat/ports.js";
import type { Hub } from "./hub.js";
import type { Leavers } from "./leavers.js";

export class Audit {
  readonly #store: Pick<Store, "owned" | "disown">;
  readonly #buckets: number;
  readonly #hub: Hub;
  readonly #leavers: Leavers;
  #turn = 0;

  constructor(store: Pick<Store, "owned" | "disown">, buckets: number, hub: Hub, leavers: Leavers) {
    this.#store = store;
    this.#buckets = buckets;
    this.#hub = hub;
    this.#leavers = leavers;
  }

  /** A name that is contested: what no session has is given back at once. @throws Unavailable */
  async look(name: Name): Promise<void> {
    if (this.#leavers.has(name)) return;
    const sessions = [...this.#hub.named(name)].map(({ hold }) => hold.id);
    await this.#store.disown(name, sessions);
  }

  /** Of one bucket; the next call takes the next one. @throws Unavailable */
  async next(): Promise<void> {
    for (const name of await this.#store.owned(this.#turn++ % this.#buckets)) {
      const isOurs = this.#hub.has(name) || this.#leavers.has(name);
      if (!isOurs) await this.#store.disown(name);
    }
  }
}
