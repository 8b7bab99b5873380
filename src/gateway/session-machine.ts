/** Runs the state machine of one session: handles inputs one after the other, and their effects in order. */
import type { Effect } from "../session/effects.js";
import type { Input } from "../session/inputs.js";
import { isBroken } from "../session/questions.js";
import type { SessionState } from "../session/state.js";
import { transition } from "../session/transition.js";

/** What a machine runs for. */
export interface MachineOwner {
  run(effect: Effect): void;
  /** The next input, when all others are handled. */
  next(state: SessionState): Input | undefined;
  /** All inputs are handled, with their effects. */
  settled(): void;
  /** A bug, found while this input was handled. Told once: from here on the session only comes to its end. */
  broken(error: unknown, input: Input): void;
}

interface Waiter {
  readonly isTrue: (state: SessionState) => boolean;
  readonly resolve: () => void;
}

export class SessionMachine {
  readonly #owner: MachineOwner;
  #state: SessionState;
  /** Inputs to handle. The first one is being handled. */
  readonly #inputs: Input[] = [];
  #waiters: Waiter[] = [];

  constructor(state: SessionState, owner: MachineOwner) {
    this.#state = state;
    this.#owner = owner;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Handles an input now or, within an effect of another input, after that one. */
  put(input: Input): void {
    if (this.#inputs.push(input) > 1) return;
    for (let each: Input | undefined = input; each !== undefined; each = this.#inputs[0]) {
      const isHandled = this.#handle(each);
      this.#inputs.shift();
      if (isHandled && this.#inputs.length === 0) this.#takeNext();
    }
    this.#owner.settled();
    this.#wake();
  }

  /** To be called when there may be a next input. */
  look(): void {
    const next = this.#inputs.length === 0 ? this.#owner.next(this.#state) : undefined;
    if (next !== undefined) this.put(next);
  }

  /** Resolves when this holds for the state. */
  until(isTrue: (state: SessionState) => boolean): Promise<void> {
    if (isTrue(this.#state)) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isTrue, resolve }));
  }

  /** After a bug, what the session waits for may never come: it is ended by the input `broken`. */
  break(error: unknown, input: Input): void {
    if (isBroken(this.#state) || this.#inputs.some(({ type }) => type === "broken")) return;
    this.#owner.broken(error, input);
    this.put({ type: "broken" });
    if (input.type === "socketClosed") this.put(input); // it comes only once
  }

  #takeNext(): void {
    const next = this.#owner.next(this.#state);
    if (next !== undefined) this.#inputs.push(next);
  }

  /** Returns whether there was a transition. An effect that fails does not prevent those behind it. */
  #handle(input: Input): boolean {
    try {
      const { state, effects } = transition(this.#state, input);
      this.#state = state;
      for (const effect of effects) this.#run(effect, input);
      return true;
    } catch (error) {
      this.break(error, input);
      return false;
    }
  }

  #run(effect: Effect, input: Input): void {
    try {
      this.#owner.run(effect);
    } catch (error) {
      this.break(error, input);
    }
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter(({ isTrue }) => isTrue(this.#state));
    this.#waiters = this.#waiters.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }
}
