/**
 * A rate limit for the log: a token bucket for each sentence, so that a flood of failures does not fill the disk.
 * Lines that are left out are counted, and the count is logged.
 */

export interface LogRateLimits {
  /** How many lines of one sentence may be logged at once. */
  readonly burst: number;
  readonly perSecond: number;
  /** How long left-out lines are counted before the count is logged. */
  readonly reportAfterMs: number;
}

interface Bucket {
  tokens: number;
  refilledAtMs: number;
  leftOut: number;
}

export class LogRateLimiter {
  readonly #limits: LogRateLimits;
  readonly #report: (sentence: string, lines: number) => void;
  readonly #nowMs: () => number;
  /** By sentence: sentences are constant, and there are about a hundred of them. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    limits: LogRateLimits,
    report: (sentence: string, lines: number) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#limits = limits;
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** Whether one more line of this sentence may be logged. */
  allows(sentence: string): boolean {
    const { burst, perSecond, reportAfterMs } = this.#limits;
    const nowMs = this.#nowMs();
    let bucket = this.#buckets.get(sentence);
    if (bucket === undefined) {
      bucket = { tokens: burst, refilledAtMs: nowMs, leftOut: 0 };
      this.#buckets.set(sentence, bucket);
    }
    const gained = ((nowMs - bucket.refilledAtMs) / 1_000) * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + gained);
    bucket.refilledAtMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return true;
    }
    bucket.leftOut++;
    if (bucket.leftOut === 1) {
      setTimeout(() => this.#reportLeftOut(sentence, bucket), reportAfterMs).unref();
    }
    return false;
  }

  #reportLeftOut(sentence: string, bucket: Bucket): void {
    const { leftOut } = bucket;
    bucket.leftOut = 0;
    this.#report(sentence, leftOut);
  }
}
