/**
 * A fuzz of all dialects that knows their grammar: 200,000 frames and heads, most of them a little wrong. Hours of it:
 * `npm run fuzz -- --minutes 60`, and `--seed N` plays the same inputs again.
 */
import { expect, test } from "vitest";
import { runFuzz } from "./fuzz/run-fuzz.js";

const MINUTE = 60_000;
const MEGABYTE = 1_048_576;
/** Of the heap, between two fifths of the inputs and all: names and conversations that were new, and chance. */
const MOST_GROWTH = 16 * MEGABYTE;

const inputs = Number(process.env["FUZZ_INPUTS"] ?? 200_000);
const ms = Number(process.env["FUZZ_MINUTES"] ?? 0) * MINUTE;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(
  `no input breaks a gateway (--seed ${seed})`,
  async () => {
    console.log(`the seed is ${seed}`);
    const onProgress = (said: string): void => void process.stdout.write(`${said}\n`);
    const result = await runFuzz({ seed, inputs, ms, ...(ms > 0 && { onProgress }) });
    console.log(result);
    expect(result.bugs).toEqual([]);
    // most of it was looked at: a fuzz whose connections are all refused would find nothing
    expect(result.received).toBeGreaterThan(result.inputs * 0.5);
    expect(result.last.heapBytes - result.first.heapBytes).toBeLessThan(MOST_GROWTH);
    expect(result.last.descriptors).toBeLessThanOrEqual(result.first.descriptors + 5);
  },
  ms + 10 * MINUTE,
);
