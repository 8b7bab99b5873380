/** A rate limit by token bucket: so many requests a second, in bursts of up to two seconds' worth. */
export interface TokenBucket {
  readonly perSecond: number;
  readonly tokens: number;
  readonly atMs: number;
}

export function fullBucket(perSecond: number, nowMs: number): TokenBucket {
  return { perSecond, tokens: 2 * perSecond, atMs: nowMs };
}

export function hasToken(bucket: TokenBucket, nowMs: number): boolean {
  return take(bucket, nowMs).waitMs === 0;
}

/** Takes a token. If there is none, `waitMs` says when there will be one; otherwise it is 0. */
export function take(
  { perSecond, tokens, atMs }: TokenBucket,
  nowMs: number,
): { readonly bucket: TokenBucket; readonly waitMs: number } {
  const gained = ((nowMs - atMs) / 1_000) * perSecond;
  const filled = Math.min(2 * perSecond, tokens + gained);
  if (filled < 1) {
    const waitMs = Math.ceil(((1 - filled) / perSecond) * 1_000);
    return { bucket: { perSecond, tokens: filled, atMs: nowMs }, waitMs };
  }
  return { bucket: { perSecond, tokens: filled - 1, atMs: nowMs }, waitMs: 0 };
}
