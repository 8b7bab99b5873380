/**
 * The limits on claims of names: keys that are not the name's, new names, and how often clients come. What a claim may use up is
 * taken before the name is claimed, for many may be claimed at the same time; what it did not use is given back.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Chat } from "../chat/chat.js";
import type { JoinOutcome } from "../chat/identity-commands.js";
import type { Name } from "../chat/names.js";
import { addressKey } from "../limits/address-key.js";
import type { RequestLimits } from "../limits/budget.js";
import { Registrations } from "../limits/registrations.js";
import { isPrivate } from "./client-address.js";

/** New names of a public address, if no number was chosen. */
const OF_PUBLIC = 60;

export interface Claimed {
  readonly name: Name;
  /** That the client has shown. */
  readonly key: string | undefined;
  readonly address: string | undefined;
}

/** The name may be claimed. To be called with what came of it; `failed`: that is not known. */
export type Permit = (outcome: JoinOutcome["outcome"] | "failed") => void;

export interface Refused {
  readonly outcome: "too_many_attempts" | "too_fast";
  readonly details: { readonly retryAfterMs: number };
}

export class ClaimLimits {
  readonly #limits: RequestLimits;
  readonly #isForPrivate: boolean;
  readonly #registrations: Registrations;

  /** @param newNamesPerMinute undefined: so many of a public address, and any number of a private one, which may be a balancer's */
  constructor(limits: RequestLimits, newNamesPerMinute: number | undefined) {
    this.#limits = limits;
    this.#isForPrivate = newNamesPerMinute !== undefined;
    this.#registrations = new Registrations(newNamesPerMinute ?? OF_PUBLIC);
  }

  /**
   * Asks for a claim, and waits for its turn: two seconds at most. Only if too many new names have come from the address, it is
   * looked up whether this one is new.
   *
   * @throws Unavailable
   */
  async enter({ name, key, address }: Claimed, chat: Chat): Promise<Permit | Refused> {
    const from = addressKey(address);
    const client = `${from} ${name}`;
    // a balancer may have a private address: then whoever guesses would lock out the one who knows the key
    const isGuess = key !== undefined && !isPrivate(address);
    const { wrongKeys } = this.#limits;
    const guessWaitMs = isGuess ? wrongKeys.waitMs(client, performance.now()) : 0;
    if (guessWaitMs > 0) return refused("too_many_attempts", guessWaitMs);

    const isNewCounted = this.#isForPrivate || !isPrivate(address);
    const newWaitMs = isNewCounted ? this.#registrations.take(from, performance.now()) : 0;
    if (newWaitMs > 0 && (await chat.freedom(name)) === "new")
      return refused("too_fast", newWaitMs);

    const { joins, isForPrivate } = this.#limits;
    const comer = { client, address: isForPrivate || !isPrivate(address) ? from : undefined };
    const join = joins.take(comer, performance.now());
    const permit: Permit = (outcome) => {
      const nowMs = performance.now();
      const isWrongKey = outcome === "taken" || outcome === "kept";
      if (isGuess && isWrongKey) wrongKeys.spend(client, 1, nowMs);
      const mayBeNew = isNewCounted && newWaitMs === 0;
      if (mayBeNew && outcome !== "new") this.#registrations.giveBack(from, nowMs);
      const isHeard = outcome === "new" || outcome === "back";
      if (join.outcome === "taken" && !isHeard) joins.giveBack(comer, nowMs);
    };
    if (join.outcome === "taken") {
      if (join.inMs > 0) await pause(join.inMs);
      return permit;
    }
    permit("refused");
    return refused("too_fast", join.inMs);
  }
}

function refused(outcome: Refused["outcome"], waitMs: number): Refused {
  return { outcome, details: { retryAfterMs: Math.ceil(waitMs) } };
}
