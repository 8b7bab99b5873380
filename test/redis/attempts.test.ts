/** Which calls are made, and made again, when Redis is late. */
import { ReplyError } from "ioredis";
import { expect, test } from "vitest";
import { Attempts } from "#tertulia/redis/attempts.js";
import { ERROR_TEXTS } from "#tertulia/redis/library-internals.js";
import { attempting } from "#tertulia/redis/retry.js";

const late = (): Promise<never> => Promise.reject(new Error(ERROR_TEXTS.commandTimedOut));
const lost = (): Promise<never> => Promise.reject(new Error(ERROR_TEXTS.closed));
const refused = (): Promise<never> => Promise.reject(new ReplyError("FENCED the lease has ended"));
const answered = async (): Promise<string> => "answered";

/** Attempts with a clock of their own; how calls ended, and what was told. */
function world() {
  const clock = { nowMs: 0 };
  const told: string[] = [];
  const attempts = new Attempts(
    (to) => told.push(to),
    () => clock.nowMs,
  );
  const ends = (step: () => Promise<unknown>): Promise<unknown> =>
    attempts.once(step).catch((error: unknown) => (error as Error).constructor.name);
  const times = async (count: number, step: () => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < count; i++) await ends(step);
  };
  return { clock, told, attempts, ends, times };
}

test("after 64 late calls in a row none is made for a while, then one, and all again once it is answered", async () => {
  const { clock, told, ends, times } = world();
  await times(63, late);
  expect(await ends(answered)).toBe("answered");
  await times(63, late);
  expect([await ends(late), told]).toEqual(["Error", ["open"]]);
  expect(await ends(answered)).toBe("Unavailable");
  clock.nowMs = 250;
  let answer: (what: string) => void = () => {};
  const probe = ends(() => new Promise((resolve) => (answer = resolve)));
  expect(await ends(answered), "one at a time").toBe("Unavailable");
  answer("answered");
  expect(await probe).toBe("answered");
  expect([await ends(answered), told]).toEqual(["answered", ["open", "closed"]]);
});

test("a call that is late again is followed by another rest, and so is one whose connection is lost", async () => {
  const { clock, told, ends, times } = world();
  await times(64, late);
  for (const step of [late, lost, late]) {
    clock.nowMs += 250;
    expect(await ends(step)).toBe("Error");
    expect(await ends(answered)).toBe("Unavailable");
  }
  expect(told).toEqual(["open"]);
});

test("an error reply is an answer: it ends the row of late calls, and the rest", async () => {
  const { clock, told, ends, times } = world();
  await times(63, late);
  expect(await ends(refused)).toBe("ReplyError");
  await times(63, late);
  expect(told).toEqual([]);
  await ends(late);
  clock.nowMs = 250;
  expect(await ends(refused)).toBe("ReplyError");
  expect([await ends(answered), told]).toEqual(["answered", ["open", "closed"]]);
});

test("a call from before that is answered ends the rest", async () => {
  const { ends, times } = world();
  let answer: (what: string) => void = () => {};
  const early = ends(() => new Promise((resolve) => (answer = resolve)));
  await times(64, late);
  answer("answered");
  await early;
  expect(await ends(answered)).toBe("answered");
});

test("calls on a lost connection are never held back", async () => {
  const { ends, times, told } = world();
  await times(1_000, lost);
  expect([await ends(answered), told]).toEqual(["answered", []]);
});

test("of late calls only some are made again: 256, and one more for every ten answers", async () => {
  const { attempts } = world();
  /** Late once, then answered. */
  const once = (): (() => Promise<string>) => {
    let count = 0;
    return () => (count++ === 0 ? late() : answered());
  };
  const outcomes: unknown[] = [];
  for (let round = 0; round < 8; round++) {
    const calls = Array.from({ length: 40 }, () =>
      attempting(attempts, 5_000, once()).catch(
        (error: unknown) => (error as Error).constructor.name,
      ),
    );
    outcomes.push(...(await Promise.all(calls)));
  }
  // 7 rounds take 40 and give back 4; of the last one, 4 are left
  expect(outcomes.filter((each) => each === "answered")).toHaveLength(7 * 40 + 4);
  expect(outcomes.slice(-36)).toEqual(Array.from({ length: 36 }, () => "Unavailable"));
});
