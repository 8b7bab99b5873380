/**
 * Turns: connections whose clients have sent frames take them a few at a time, one connection after the other. However
 * many frames one client sends, those of others wait for a few of them at most; and however many all of them send, the
 * event loop goes on between rounds.
 */

/** A connection. `round` and `taken` are kept here for the turns alone. */
export interface Taker {
  round: number;
  taken: number;
  /** Takes the frames that it may take. */
  look(): void;
}

/** Frames that one connection takes in a round. */
const PER_TURN = 8;
/** Frames that all connections take in a round. */
const PER_ROUND = 64;

export class Turns {
  readonly #soon: (run: () => void) => void;
  /** Those who could not take a frame when they wanted to, in the order in which it is their turn. */
  #waiting = new Set<Taker>();
  #round = 1;
  #taken = 0;
  /** The round whose end was asked for. */
  #endsRound = 0;

  /** @param soon runs it when the event loop has looked for what else has come */
  constructor(soon: (run: () => void) => void = (run) => void setImmediate(run)) {
    this.#soon = soon;
  }

  /** Whether it may take a frame now, which it then must. If not, it is told to look when it is its turn. */
  mayTake(taker: Taker): boolean {
    if (this.#waiting.has(taker)) return false;
    if (taker.round !== this.#round) {
      taker.round = this.#round;
      taker.taken = 0;
    }
    this.#endSoon();
    if (taker.taken >= PER_TURN || this.#taken >= PER_ROUND) {
      this.#waiting.add(taker);
      return false;
    }
    taker.taken++;
    this.#taken++;
    return true;
  }

  #endSoon(): void {
    if (this.#endsRound === this.#round) return;
    this.#endsRound = this.#round;
    this.#soon(this.#nextRound);
  }

  readonly #nextRound = (): void => {
    this.#round++;
    this.#taken = 0;
    // those who get to wait again do so behind all of these
    for (const taker of Array.from(this.#waiting)) {
      if (this.#taken >= PER_ROUND) break;
      this.#waiting.delete(taker);
      taker.look();
    }
    if (this.#waiting.size > 0) this.#endSoon();
  };
}
