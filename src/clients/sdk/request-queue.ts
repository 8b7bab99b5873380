/** What is asked of the chat: kept while it is away, sent again, in order within a lane, answered once. */
import { TertuliaError } from "./error.js";
import { later, type Timer } from "./later.js";
import type { Ask, Connection, Ok } from "./connection.js";
import { retryDelayMs } from "./backoff.js";

export interface QueuedRequest {
  readonly request: Ask;
  /** Errands of one lane are done one after the other; without one, at once. */
  readonly lane?: string | undefined;
  /** Whether it is tried again when the chat could not do it in time. */
  readonly isStubborn?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** When it was sent first, if that was in an earlier life: as `Date.now()` counts. */
  readonly firstSentMs?: number | undefined;
  /** Called where the answer is read, before what follows it. */
  answered?(ok: Ok): void;
}

interface Item extends QueuedRequest {
  attempts: number;
  /** When it was sent first, as `performance.now()` counts. */
  sentMs: number | undefined;
  isDone: boolean;
  settle(error: unknown, ok?: Ok): void;
}

/** Well within the 15 minutes for which the server knows a `mid`. */
const RESEND_WITHIN_MS = 14 * 60_000;
/** A mistake of the server's that repeats itself must not hold up what stands behind. */
const INTERNAL_ATTEMPTS = 5;

export class RequestQueue {
  readonly #limit: number;
  readonly #served: (isAble: boolean) => void;
  readonly #lanes = new Map<string | symbol, Item[]>();
  readonly #busy = new Set<string | symbol>();
  readonly #resting = new Map<string | symbol, Timer>();
  #size = 0;
  #link: Connection | undefined;
  /** While the chat says that it is too much. */
  #pause: Timer | undefined;
  #end: TertuliaError | undefined;

  /** @param served told of each answer: whether the chat could do what was asked */
  constructor(limit: number, served: (isAble: boolean) => void) {
    this.#limit = limit;
    this.#served = served;
  }

  /** How many wait for an answer. */
  get size(): number {
    return this.#size;
  }

  do(errand: QueuedRequest): Promise<Ok> {
    return new Promise((resolve, reject) => {
      const { signal } = errand;
      const lane = errand.lane ?? Symbol();
      signal?.throwIfAborted();
      if (this.#end) throw this.#end;
      if (this.#size >= this.#limit) {
        const why = `${this.#size} requests are waiting for an answer already`;
        throw new TertuliaError("outbox_full", why, true);
      }
      const abort = (): void => {
        item.settle(signal?.reason);
        this.#advance(lane); // nobody may come to look for a long time
      };
      const item: Item = {
        ...errand,
        attempts: 0,
        sentMs: sinceThen(errand.firstSentMs),
        isDone: false,
        settle: (error, ok) => {
          if (item.isDone) return;
          item.isDone = true;
          this.#size--;
          signal?.removeEventListener("abort", abort);
          if (ok) resolve(ok);
          else reject(error);
        },
      };
      this.#size++;
      signal?.addEventListener("abort", abort);
      const items = this.#lanes.get(lane);
      if (items) items.push(item);
      else this.#lanes.set(lane, [item]);
      this.#advance(lane);
    });
  }

  /** Everything unanswered goes out, the oldest of each lane first. */
  opened(link: Connection): void {
    this.lost();
    this.#link = link;
    this.#advanceAll();
  }

  lost(): void {
    this.#link = undefined;
    this.#busy.clear();
    clearTimeout(this.#pause);
    this.#pause = undefined;
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
  }

  closed(error: TertuliaError): void {
    this.lost();
    this.#end = error;
    for (const item of Array.from(this.#lanes.values()).flat()) item.settle(error);
    this.#lanes.clear();
  }

  #advanceAll(): void {
    for (const lane of Array.from(this.#lanes.keys())) this.#advance(lane);
  }

  #advance(lane: string | symbol): void {
    if (this.#busy.has(lane) || this.#resting.has(lane)) return;
    const items = this.#lanes.get(lane) ?? [];
    const nowMs = performance.now();
    while (items[0] !== undefined && this.#isOver(items[0], nowMs)) items.shift();
    const item = items[0];
    if (item === undefined) {
      this.#lanes.delete(lane);
      return;
    }
    const link = this.#link;
    if (link === undefined || this.#pause !== undefined) return;
    item.sentMs ??= nowMs;
    this.#busy.add(lane);
    link.ask(item.request, (error, ok) => {
      if (link !== this.#link) return;
      this.#busy.delete(lane);
      if (error === undefined) {
        item.answered?.(ok);
        item.settle(undefined, ok);
      } else if (!this.#mayPass(item, lane, error)) {
        item.settle(error);
      }
      this.#advance(lane);
      if (error === undefined || error.code === "unavailable") this.#served(error === undefined);
    });
  }

  #isOver(item: Item, nowMs: number): boolean {
    if (item.sentMs !== undefined && nowMs - item.sentMs > RESEND_WITHIN_MS && item.isStubborn) {
      const why = "it was sent, and no answer came; it may be stored";
      item.settle(new TertuliaError("unconfirmed", why));
    }
    return item.isDone;
  }

  /** Whether it will be tried again, after a rest. */
  #mayPass(item: Item, lane: string | symbol, error: TertuliaError): boolean {
    if (error.code === "rate_limited") {
      clearTimeout(this.#pause);
      this.#pause = later(
        () => {
          this.#pause = undefined;
          this.#advanceAll();
        },
        error.retryAfterMs ?? retryDelayMs(2),
      );
      return true;
    }
    item.attempts++;
    if (!item.isStubborn || !error.retryable) return false;
    if (error.code === "internal" && item.attempts >= INTERNAL_ATTEMPTS) return false;
    const restMs = error.retryAfterMs ?? retryDelayMs(item.attempts);
    const timer = later(() => {
      this.#resting.delete(lane);
      this.#advance(lane);
    }, restMs);
    this.#resting.set(lane, timer);
    return true;
  }
}

/** The same moment as `performance.now()` counts. A clock that was set back says nothing: long ago. */
function sinceThen(firstSentMs: number | undefined): number | undefined {
  if (firstSentMs === undefined) return undefined;
  return performance.now() - Math.abs(Date.now() - firstSentMs);
}
