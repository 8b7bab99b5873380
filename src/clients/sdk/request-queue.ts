/**
 * Requests: queued while the chat is away, sent again after a reconnect, in order within a lane, answered once. Those in
 * flight are bounded: {@link MOST_IN_FLIGHT}; after `rate_limited` one, and one more with each answer.
 */
import { TertuliaError } from "./error.js";
import { startTimer, type Timer } from "./timer.js";
import type { ClientRequest, Connection, Ok } from "./connection.js";
import { retryDelayMs } from "./backoff.js";

export interface QueuedRequest {
  readonly request: ClientRequest;
  /** Requests of one lane are sent one after the other; without a lane, as soon as there is room. */
  readonly lane?: string | undefined;
  /** Whether a retryable error is retried, with backoff. */
  readonly isRetried?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** When it was sent first, by `Date.now()`, if that was before this client began. */
  readonly firstSentMs?: number | undefined;
  /** Called in the same step that reads the answer. */
  onAnswer?(ok: Ok): void;
}

interface PendingRequest extends QueuedRequest {
  attempts: number;
  /** When it was sent first, by `performance.now()`. */
  sentMs: number | undefined;
  state: "pending" | "settled";
  settle(error: unknown, ok?: Ok): void;
}

/** Well within the 15 minutes for which the server knows a `mid`. */
const RESEND_WITHIN_MS = 14 * 60_000;
/** A bug of the server that repeats itself must not block the lane. */
const INTERNAL_ATTEMPTS = 5;
/** All of them may be refused, and the server closes the connection, for good, after a hundred refusals in a row. */
const MOST_IN_FLIGHT = 32;

export class RequestQueue {
  readonly #limit: number;
  readonly #onServed: (isAble: boolean) => void;
  /** The lane that waits longest is first. */
  readonly #lanes = new Map<string | symbol, PendingRequest[]>();
  readonly #inFlight = new Set<string | symbol>();
  readonly #backoffs = new Map<string | symbol, Timer>();
  #size = 0;
  /** How many may be in flight: all, or after `rate_limited` one, and one more with each answer. */
  #window = MOST_IN_FLIGHT;
  /** How often in a row the one request that was let through was refused as well. */
  #failedProbes = 0;
  #connection: Connection | undefined;
  /** Runs while the chat has refused requests as `rate_limited`. */
  #rateLimitTimer: Timer | undefined;
  #closedBy: TertuliaError | undefined;

  /** @param onServed called at each answer: whether the node could do what was asked */
  constructor(limit: number, onServed: (isAble: boolean) => void) {
    this.#limit = limit;
    this.#onServed = onServed;
  }

  /** Requests that wait for an answer. */
  get size(): number {
    return this.#size;
  }

  send(queued: QueuedRequest): Promise<Ok> {
    return new Promise((resolve, reject) => {
      const { signal } = queued;
      const lane = queued.lane ?? Symbol();
      signal?.throwIfAborted();
      if (this.#closedBy) throw this.#closedBy;
      if (this.#size >= this.#limit) {
        const why = `${this.#size} requests are waiting for an answer already`;
        throw new TertuliaError("outbox_full", why, true);
      }
      const abort = (): void => {
        item.settle(signal?.reason);
        this.#advance(lane); // the lane may not advance by itself for a long time
      };
      const item: PendingRequest = {
        ...queued,
        attempts: 0,
        sentMs: toMonotonicMs(queued.firstSentMs),
        state: "pending",
        settle: (error, ok) => {
          if (item.state === "settled") return;
          item.state = "settled";
          this.#size--;
          signal?.removeEventListener("abort", abort);
          if (ok) resolve(ok);
          else reject(error);
        },
      };
      this.#size++;
      signal?.addEventListener("abort", abort);
      const pending = this.#lanes.get(lane);
      if (pending) pending.push(item);
      else this.#lanes.set(lane, [item]);
      this.#advance(lane);
    });
  }

  /** A connection is open: everything unanswered is sent, the oldest of each lane first. */
  opened(connection: Connection): void {
    this.lost();
    this.#connection = connection;
    this.#advanceAll();
  }

  lost(): void {
    this.#connection = undefined;
    this.#inFlight.clear();
    this.#window = MOST_IN_FLIGHT;
    this.#failedProbes = 0;
    clearTimeout(this.#rateLimitTimer);
    this.#rateLimitTimer = undefined;
    for (const timer of this.#backoffs.values()) clearTimeout(timer);
    this.#backoffs.clear();
  }

  closed(error: TertuliaError): void {
    this.lost();
    this.#closedBy = error;
    for (const item of Array.from(this.#lanes.values()).flat()) item.settle(error);
    this.#lanes.clear();
  }

  get #maySend(): boolean {
    return this.#rateLimitTimer === undefined && this.#inFlight.size < this.#window;
  }

  /** What has a lane goes first: messages do not wait behind histories. Of each lane one is in flight, so histories get the rest. */
  #advanceAll(): void {
    for (const kind of ["string", "symbol"]) {
      for (const lane of this.#lanes.keys()) {
        if (!this.#maySend) return;
        if (typeof lane === kind) this.#advance(lane);
      }
    }
  }

  #advance(lane: string | symbol): void {
    if (this.#inFlight.has(lane) || this.#backoffs.has(lane)) return;
    const pending = this.#lanes.get(lane) ?? [];
    const nowMs = performance.now();
    while (pending[0] !== undefined && this.#isSettled(pending[0], nowMs)) pending.shift();
    const item = pending[0];
    if (item === undefined) {
      this.#lanes.delete(lane);
      return;
    }
    const connection = this.#connection;
    if (connection === undefined || !this.#maySend) return;
    item.sentMs ??= nowMs;
    this.#inFlight.add(lane);
    connection.request(item.request, (error, ok) => {
      if (connection !== this.#connection) return;
      this.#inFlight.delete(lane);
      if (error?.code !== "rate_limited") this.#widen();
      if (error === undefined) {
        item.onAnswer?.(ok);
        item.settle(undefined, ok);
      } else if (!this.#willRetry(item, lane, error)) {
        item.settle(error);
      }
      if (item.state === "settled") this.#takeTurn(lane);
      this.#advanceAll();
      if (error === undefined || error.code === "unavailable") this.#onServed(error === undefined);
    });
  }

  /** Lanes take turns: the next request of this one comes after those that wait already. */
  #takeTurn(lane: string | symbol): void {
    const pending = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    if (pending?.some(({ state }) => state === "pending")) this.#lanes.set(lane, pending);
  }

  /** A request was not refused as too much. While all rest, such answers are of requests that were sent before. */
  #widen(): void {
    if (this.#rateLimitTimer !== undefined) return;
    this.#failedProbes = 0;
    this.#window = Math.min(this.#window + 1, MOST_IN_FLIGHT);
  }

  /** Nothing is sent for a while, then one request. If that is refused too (others of the user or address were faster), longer. */
  #rest(forMs: number): void {
    if (this.#rateLimitTimer === undefined && this.#window === 1) this.#failedProbes++;
    this.#window = 1;
    clearTimeout(this.#rateLimitTimer);
    const extraMs = this.#failedProbes === 0 ? 0 : retryDelayMs(this.#failedProbes);
    this.#rateLimitTimer = startTimer(() => {
      this.#rateLimitTimer = undefined;
      this.#advanceAll();
    }, forMs + extraMs);
  }

  #isSettled(item: PendingRequest, nowMs: number): boolean {
    if (item.sentMs !== undefined && nowMs - item.sentMs > RESEND_WITHIN_MS && item.isRetried) {
      const why = "it was sent, and no answer came; it may be stored";
      item.settle(new TertuliaError("unconfirmed", why));
    }
    return item.state === "settled";
  }

  /** Whether the request will be sent again, after a backoff. */
  #willRetry(item: PendingRequest, lane: string | symbol, error: TertuliaError): boolean {
    if (error.code === "rate_limited") {
      this.#rest(error.retryAfterMs ?? retryDelayMs(2));
      return true;
    }
    item.attempts++;
    if (!item.isRetried || !error.retryable) return false;
    if (error.code === "internal" && item.attempts >= INTERNAL_ATTEMPTS) return false;
    const restMs = error.retryAfterMs ?? retryDelayMs(item.attempts);
    const timer = startTimer(() => {
      this.#backoffs.delete(lane);
      this.#advance(lane);
    }, restMs);
    this.#backoffs.set(lane, timer);
    return true;
  }
}

/** The same moment by `performance.now()`. If the clock was set back since, it counts as equally long ago. */
function toMonotonicMs(firstSentMs: number | undefined): number | undefined {
  if (firstSentMs === undefined) return undefined;
  return performance.now() - Math.abs(Date.now() - firstSentMs);
}
