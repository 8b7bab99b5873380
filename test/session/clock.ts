/**
 * A clock that stands still until it is moved: timers, promises of timers and the steady clock. Streams and promises
 * go on as always.
 */
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
  readonly handle: TimerHandle;
}

class TimerHandle {
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

/** Where every history begins. */
const BEGIN_MS = 1_000_000;

export class Clock {
  now = BEGIN_MS;
  #order = 0;
  readonly #timers = new Map<unknown, Timer>();
  #restore: (() => void) | undefined;

  /** When the next timer is due. */
  get nextAt(): number | undefined {
    return this.#next()?.at;
  }

  /** Moves on to the next timer, and lets it run. */
  runNext(): void {
    const timer = this.#next();
    if (timer === undefined) return;
    this.now = Math.max(this.now, timer.at);
    this.#timers.delete(timer.handle);
    if (timer.everyMs !== undefined) this.#add(timer.run, timer.everyMs, true, timer.handle);
    timer.run();
  }

  install(): void {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
    const { setTimeout: pause } = timersPromises;
    this.#restore = () => {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      Reflect.deleteProperty(performance, "now");
      timersPromises.setTimeout = pause;
      syncBuiltinESMExports();
    };
    const add =
      (isRepeated: boolean) =>
      (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        this.#add(() => run(...args), ms, isRepeated);
    const clear = (handle: unknown): void => void this.#timers.delete(handle);
    Object.assign(globalThis, {
      setTimeout: add(false),
      setInterval: add(true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Object.assign(performance, { now: () => this.now });
    timersPromises.setTimeout = this.#pause as typeof pause;
    syncBuiltinESMExports();
  }

  uninstall(): void {
    this.#restore?.();
    this.#restore = undefined;
    this.#timers.clear();
  }

  readonly #pause = async <T>(
    ms?: number,
    value?: T,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<T | undefined> => {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const timer = this.#add(() => resolve(value), ms ?? 1, false);
      const stop = (): void => {
        this.#timers.delete(timer);
        reject(signal!.reason as Error);
      };
      signal?.addEventListener("abort", stop, { once: true });
    });
  };

  #add(run: () => void, ms: number, isRepeated: boolean, handle = new TimerHandle()): TimerHandle {
    const waitMs = Math.max(1, ms);
    const everyMs = isRepeated ? waitMs : undefined;
    this.#timers.set(handle, { at: this.now + waitMs, order: this.#order++, everyMs, run, handle });
    return handle;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (first === undefined || timer.at < first.at) first = timer;
      else if (timer.at === first.at && timer.order < first.order) first = timer;
    }
    return first;
  }
}
