/** Token buckets, alone and by key: what may be spent when, and that nothing grows or is given back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyedBuckets } from "#tertulia/limits/keyed-buckets.js";
import { TokenBucket, rateOf } from "#tertulia/limits/token-bucket.js";

test("two seconds' worth may be spent at once, then as much as comes back", () => {
  const bucket = new TokenBucket(rateOf(2), 0);
  for (let i = 0; i < 4; i++) {
    expect(bucket.waitMs(0)).toBe(0);
    bucket.spend(1, 0);
  }
  expect(bucket.waitMs(0)).toBe(500);
  expect(bucket.waitMs(250)).toBe(250);
  expect(bucket.waitMs(500)).toBe(0);
});

test("what costs more than there is, is owed; a debt is never greater than a full bucket", () => {
  const bucket = new TokenBucket(rateOf(1), 0);
  bucket.spend(4, 0);
  expect(bucket.waitMs(0)).toBe(3_000);
  for (let i = 0; i < 100; i++) bucket.spend(20, 0);
  expect(bucket.waitMs(0)).toBe(3_000);
  expect(bucket.isFull(3_999)).toBe(false);
  expect(bucket.isFull(4_000)).toBe(true);
});

test("in any time, no more is spent than the rate allows, and a wait that was told is enough", () => {
  const step = fc.record({ afterMs: fc.nat(500), cost: fc.constantFrom(0.5, 1, 4, 8) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step), (perSecond, steps) => {
      const bucket = new TokenBucket(rateOf(perSecond), 0);
      let [nowMs, spent] = [0, 0];
      for (const { afterMs, cost } of steps) {
        nowMs += afterMs;
        const waitMs = bucket.waitMs(nowMs);
        expect(bucket.waitMs(nowMs + waitMs)).toBe(0);
        if (waitMs > 0) continue;
        bucket.spend(cost, nowMs);
        spent += cost;
        const earned = 2 * perSecond + (nowMs / 1_000) * perSecond;
        expect(spent - cost).toBeLessThan(earned - 1 + 1e-3);
      }
    }),
  );
});

test("each key has a bucket of its own", () => {
  const buckets = new KeyedBuckets(rateOf(1), 10);
  buckets.spend("ana", 2, 0);
  expect(buckets.waitMs("ana", 0)).toBe(1_000);
  expect(buckets.waitMs("bob", 0)).toBe(0);
});

test("however many keys come, few are kept, and those that owe are not forgotten", () => {
  const buckets = new KeyedBuckets(rateOf(1), 10);
  buckets.spend("flooder", 4, 0);
  for (let i = 0; i < 10_000; i++) buckets.spend(`key-${i}`, 1, 0);
  expect(buckets.size).toBe(10);
  expect(buckets.waitMs("flooder", 0)).toBe(3_000);
  // those for whom there is no room share one
  expect(buckets.waitMs("yet-another", 0)).toBeGreaterThan(0);
});

test("full buckets make room for others", () => {
  const buckets = new KeyedBuckets(rateOf(1), 2);
  buckets.spend("ana", 1, 0);
  buckets.spend("bob", 1, 0);
  buckets.spend("cleo", 4, 2_000);
  expect(buckets.size).toBe(1);
  expect(buckets.waitMs("cleo", 2_000)).toBe(3_000);
});
