/** The doors of a cluster: who is let in, who is not, who is closed; each is a case of a rule. */
import { setTimeout as pause } from "node:timers/promises";
import type { Cluster } from "../cluster.js";
import { attemptEntry, type Attempt, type Entered } from "../entry.js";
import type { Random } from "../random.js";
import { NAMES_ARE_PROVED } from "../rules/rules.js";
import type { Rule, Tally } from "../rules/rule.js";

export const PROOF_LETS_IN: Rule = {
  id: "proof-lets-in",
  sentence: "who shows what proves a name gets it, at any gateway, and keeps it",
  needs: "attempts to get a name by what proves it",
};
export const ENDED_IS_CLOSED: Rule = {
  id: "ended-is-closed",
  sentence: "when what proved a name has ended, who holds the name by it is closed",
  needs: "connections by what ended",
};

/** Promised are two seconds; a slow machine is not what these rules are about. */
const CLOSED_WITHIN_MS = 15_000;
/** After an answer that says nothing about the name. */
const [AGAIN_AFTER_MS, MOST_ATTEMPTS] = [500, 20];

export class Entrance {
  readonly urls: readonly string[];
  readonly #tally: Tally;
  readonly #random: Random;

  constructor({ gateways }: Cluster, tally: Tally, random: Random) {
    this.urls = gateways.map(({ port }) => `ws://127.0.0.1:${port}`);
    this.#tally = tally;
    this.#random = random;
  }

  get anyUrl(): string {
    return this.#random.pick(this.urls);
  }

  /** Whoever is in closes the connection. */
  async attempt(attempt: Attempt, url = this.anyUrl): Promise<Entered> {
    for (let i = 1; ; i++) {
      const entered = await attemptEntry(url, attempt);
      if (entered.outcome !== "unclear" || i === MOST_ATTEMPTS) return entered;
      await pause(AGAIN_AFTER_MS);
    }
  }

  /** Whoever is in stays; undefined if it is not, which breaks the rule. */
  async letsIn(
    what: string,
    attempt: Attempt,
    url?: string,
    rule = PROOF_LETS_IN,
  ): Promise<Entered | undefined> {
    this.#tally.saw(rule);
    const entered = await this.attempt(attempt, url);
    if (entered.outcome === "in") return entered;
    this.#tally.broke(rule, `${what}: ${attempt.name} was refused, ${entered.why}`);
    return undefined;
  }

  async keepsOut(
    what: string,
    attempt: Attempt,
    url?: string,
    rule = NAMES_ARE_PROVED,
  ): Promise<Entered> {
    this.#tally.saw(rule);
    const entered = await this.attempt(attempt, url);
    if (entered.outcome === "in") {
      this.#tally.broke(rule, `by ${what}: ${attempt.name}, in ${attempt.dialect}`);
    }
    entered.webSocket.terminate();
    return entered;
  }

  /** Waits until it is closed; an error that some other rule has found counts for nothing here. */
  async closes(what: string, entered: Entered | undefined, rule = ENDED_IS_CLOSED): Promise<void> {
    if (entered === undefined) return;
    this.#tally.saw(rule);
    const late = pause(CLOSED_WITHIN_MS, undefined, { ref: false });
    if ((await Promise.race([entered.closed, late])) !== undefined) return;
    this.#tally.broke(rule, `${what}: still open after ${CLOSED_WITHIN_MS} ms`);
    entered.webSocket.terminate();
  }
}
