/** Runs the state machine of one session: handles inputs one after the other, and their effects in order. */
import type { Effect } from "../session/effects.js";
import type { Input } from "../session/inputs.js";
import type { SessionState } from "../session/state.js";
import { transition } from "../session/transition.js";

export interface SessionMachineCallbacks {
  readonly run: (effect: Effect) => void;
  /** The next input, when all others are handled. */
  readonly next: (state: SessionState) => Input | undefined;
  readonly onError: (error: unknown, input: Input) => void;
}

interface Waiter {
  readonly isTrue: (state: SessionState) => boolean;
  readonly resolve: () => void;
}

export class SessionMachine {
  readonly #callbacks: SessionMachineCallbacks;
  #state: SessionState;
  /** Inputs to handle. The first one is being handled. */
  readonly #inputs: Input[] = [];
  #waiters: Waiter[] = [];

  constructor(state: SessionState, callbacks: SessionMachineCallbacks) {
    this.#state = state;
    this.#callbacks = callbacks;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Handles an input now or, within an effect of another input, after that one. */
  put(input: Input): void {
    if (this.#inputs.push(input) > 1) return;
    for (let each: Input | undefined = input; each !== undefined; each = this.#inputs[0]) {
      this.#handle(each);
      this.#inputs.shift();
      if (this.#inputs.length === 0) this.#takeNext();
    }
    this.#wake();
  }

  /** To be called when there may be a next input. */
  look(): void {
    const next = this.#inputs.length === 0 ? this.#callbacks.next(this.#state) : undefined;
    if (next !== undefined) this.put(next);
  }

  /** Resolves when this holds for the state. */
  until(isTrue: (state: SessionState) => boolean): Promise<void> {
    if (isTrue(this.#state)) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isTrue, resolve }));
  }

  #takeNext(): void {
    const next = this.#callbacks.next(this.#state);
    if (next !== undefined) this.#inputs.push(next);
  }

  #handle(input: Input): void {
    try {
      const { state, effects } = transition(this.#state, input, performance.now());
      this.#state = state;
      for (const effect of effects) this.#callbacks.run(effect);
    } catch (error) {
      this.#callbacks.onError(error, input);
    }
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter(({ isTrue }) => isTrue(this.#state));
    this.#waiters = this.#waiters.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }
}
