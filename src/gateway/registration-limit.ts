/** The limit on new names of one address: asked before a name is claimed, told after. */
import type { Chat } from "../chat/chat.js";
import type { Name } from "../chat/names.js";
import { addressKey } from "../limits/address-key.js";
import { Registrations } from "../limits/registrations.js";
import { isPrivate } from "./client-address.js";

/** Of a public address, if no number was chosen. */
const OF_PUBLIC = 60;

export class RegistrationLimit {
  readonly #isForPrivate: boolean;
  readonly #registrations: Registrations;

  /** @param perMinute undefined: so many of a public address, and any number of a private one, which may be a balancer's */
  constructor(perMinute: number | undefined) {
    this.#isForPrivate = perMinute !== undefined;
    this.#registrations = new Registrations(perMinute ?? OF_PUBLIC);
  }

  /**
   * In how many ms the name may be claimed from this address; 0: now. Only if too many have come from there, it is looked up
   * whether this one is new.
   *
   * @throws Unavailable
   */
  async waitMs(name: Name, address: string | undefined, chat: Chat): Promise<number> {
    if (!this.#isCounted(address)) return 0;
    const waitMs = this.#registrations.waitMs(addressKey(address), performance.now());
    return waitMs > 0 && (await chat.freedom(name)) === "new" ? waitMs : 0;
  }

  /** A name has come from there that was never used before. */
  count(address: string | undefined): void {
    if (this.#isCounted(address)) this.#registrations.count(addressKey(address), performance.now());
  }

  #isCounted(address: string | undefined): boolean {
    return this.#isForPrivate || !isPrivate(address);
  }
}
