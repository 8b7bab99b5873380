/**
 * Admission: when many connect at once, each waits for its turn, and those who are connected already do not feel it. Every
 * address has a turn in its turn, so that one that connects again and again keeps only itself waiting.
 */
import { TokenBucket } from "../limits/token-bucket.js";
import type { UpgradeRefusal } from "./handshake.js";

/** Who waits. */
interface Waiter {
  /** Whether its client has hung up meanwhile. */
  readonly isGone: () => boolean;
  readonly admit: (isAdmitted: boolean) => void;
}

/** After a quiet time, as many as come in so long are let in at once. */
const BURST_S = 0.2;
/** Longer than this nobody waits: a client would think that nobody is there. */
const MAX_WAIT_S = 5;
/** Those who have hung up are looked for so often at most: it costs a look at everybody who waits. */
const SWEEP_EVERY_MS = 100;

/** How one is refused who would have to wait too long. */
export const CROWDED: UpgradeRefusal = [
  503,
  "too many connect at this moment, try again",
  MAX_WAIT_S,
];

export class Admission {
  readonly #bucket: TokenBucket;
  readonly #maxWaiting: number;
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, Waiter[]>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweptAtMs = -Infinity;

  /** @param maxWaitS longer than this nobody waits */
  constructor(perSecond: number, maxWaitS = MAX_WAIT_S) {
    const capacity = Math.max(1, perSecond * BURST_S);
    this.#bucket = new TokenBucket({ perSecond, capacity }, performance.now());
    this.#maxWaiting = Math.ceil(perSecond * maxWaitS);
  }

  /**
   * Whether this one may go on: at once, or when its turn comes. False if too many wait.
   *
   * @param address whose turn it is, see `addressKey`
   */
  enter(address: string, isGone: () => boolean): true | Promise<boolean> {
    const now = performance.now();
    if (this.#count === 0 && this.#bucket.waitMs(now) === 0) {
      this.#bucket.spend(1, now);
      return true;
    }
    return new Promise((admit) => {
      const queue = this.#waiting.get(address) ?? [];
      queue.push({ isGone, admit });
      this.#waiting.set(address, queue);
      this.#count++;
      if (this.#count > this.#maxWaiting) this.#makeRoom(address, now);
      this.#wait();
    });
  }

  /** Nobody waits any longer. Whoever comes later is let in as before: a node that drains still answers. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const queue of this.#waiting.values()) for (const { admit } of queue) admit(false);
    this.#waiting.clear();
    this.#count = 0;
  }

  #wait(): void {
    const waitMs = Math.max(1, this.#bucket.waitMs(performance.now()));
    this.#timer ??= setTimeout(() => this.#letIn(), waitMs);
  }

  #letIn(): void {
    this.#timer = undefined;
    while (this.#count > 0) {
      const now = performance.now();
      if (this.#bucket.waitMs(now) > 0) return this.#wait();
      const waiter = this.#next();
      if (waiter.isGone()) continue;
      this.#bucket.spend(1, now);
      waiter.admit(true);
    }
  }

  /** The first of the address whose turn it is; then it is the next address' turn. */
  #next(): Waiter {
    const [address, queue] = this.#waiting.entries().next().value!;
    this.#waiting.delete(address);
    const waiter = queue.shift()!;
    if (queue.length > 0) this.#waiting.set(address, queue);
    this.#count--;
    return waiter;
  }

  /**
   * The last one goes of the address of which most wait; if as many wait of the newcomer's, it is the newcomer: whoever
   * has waited would wait for nothing.
   */
  #makeRoom(newcomer: string, nowMs: number): void {
    if (nowMs - this.#sweptAtMs >= SWEEP_EVERY_MS) this.#sweep(nowMs);
    if (this.#count <= this.#maxWaiting) return;
    // it is there: if its newcomer was gone, there is room now
    let [address, longest] = [newcomer, this.#waiting.get(newcomer)!];
    // if one waits of each address, no queue is longer
    if (this.#count > this.#waiting.size) {
      for (const [each, queue] of this.#waiting) {
        if (queue.length > longest.length) [address, longest] = [each, queue];
      }
    }
    longest.pop()!.admit(false);
    this.#count--;
    if (longest.length === 0) this.#waiting.delete(address);
  }

  /** Those go who have hung up. */
  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    for (const [address, queue] of this.#waiting) {
      const there = queue.filter(({ isGone }) => !isGone());
      if (there.length === queue.length) continue;
      this.#count -= queue.length - there.length;
      if (there.length > 0) this.#waiting.set(address, there);
      else this.#waiting.delete(address);
    }
  }
}
