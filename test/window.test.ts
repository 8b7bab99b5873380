/** Windows: when what is queued leaves, by a clock of the test's own. */
import { expect, test } from "vitest";
import { broadcastWindow, presenceWindow, replyWindow } from "#tertulia/gateway/write-coalescer.js";
import { appendWindow } from "#tertulia/redis/append-queue.js";
import { Window, type LoopClock, type WindowLength } from "#tertulia/window.js";

/** Time passes only in `pass`, and while something is flushed. */
class FakeClock implements LoopClock {
  now = 0;
  busy = 0;
  #due: { at: number; run: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  readonly load = (): number => this.busy;

  soon(run: () => void): void {
    this.later(run, 0);
  }

  later(run: () => void, ms: number): void {
    this.#due.push({ at: this.now + ms, run });
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at).find(({ at }) => at <= end);
      if (next === undefined) break;
      this.#due = this.#due.filter((each) => each !== next);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = Math.max(this.now, end);
  }
}

/** When a writer that is queued every ms is flushed, if each flush takes so long. */
function flushTimes(length: WindowLength, flushMs: number, load = 0): number[] {
  const clock = new FakeClock();
  clock.busy = load;
  const times: number[] = [];
  const window = new Window(length, clock);
  let isQueued = false;
  const flush = (): void => {
    times.push(clock.now);
    clock.now += flushMs;
    isQueued = false;
  };
  while (times.length < 4) {
    if (!isQueued) window.queue({ flush });
    isQueued = true;
    clock.pass(1);
  }
  return times;
}

test("after a quiet time frames leave at the end of the turn, each gatherer once, in order", () => {
  const clock = new FakeClock();
  const window = new Window(
    broadcastWindow(() => 2),
    clock,
  );
  const written: string[] = [];
  for (const name of ["a", "b"]) window.queue({ flush: () => written.push(name) });
  expect(written).toEqual([]);
  clock.pass(0);
  expect(written).toEqual(["a", "b"]);
  clock.pass(16);
  window.queue({ flush: () => written.push("c") });
  clock.pass(0);
  expect(written).toEqual(["a", "b", "c"]);
});

test("what everybody gets leaves every sixteen milliseconds, or later if there are many or flushes take long", () => {
  const broadcastTimes = (sessions: number, flushMs: number, load = 0) =>
    flushTimes(
      broadcastWindow(() => sessions),
      flushMs,
      load,
    );
  expect(broadcastTimes(100, 0)).toEqual([0, 16, 32, 48]);
  expect(broadcastTimes(250, 0)).toEqual([0, 40, 80, 120]);
  expect(broadcastTimes(5_000, 0)).toEqual([0, 50, 100, 150]);
  expect(broadcastTimes(2, 4)).toEqual([0, 20, 40, 60]);
  expect(broadcastTimes(2, 20)).toEqual([0, 40, 80, 120]); // an idle node: half of the time
  expect(broadcastTimes(2, 12, 1)).toEqual([0, 48, 96, 144]); // a busy one: a quarter
  expect(broadcastTimes(2, 100, 1)).toEqual([0, 150, 300, 450]); // never more than 50
});

test("presence leaves every sixteen milliseconds, and as seldom as four times a second while a node is busy", () => {
  expect(flushTimes(presenceWindow, 0)).toEqual([0, 16, 32, 48]);
  expect(flushTimes(presenceWindow, 0, 0.5)).toEqual([0, 133, 266, 399]);
  expect(flushTimes(presenceWindow, 0, 1)).toEqual([0, 250, 500, 750]);
});

test("what one client waits for leaves every two milliseconds, or later if flushes take long", () => {
  expect(flushTimes(replyWindow, 0)).toEqual([0, 2, 4, 6]);
  expect(flushTimes(replyWindow, 3)).toEqual([0, 6, 12, 18]);
  expect(flushTimes(replyWindow, 100)).toEqual([0, 105, 210, 315]);
});

test("messages leave for Redis every two milliseconds, and up to ten on a busy node", () => {
  expect(flushTimes(appendWindow, 0)).toEqual([0, 2, 4, 6]);
  expect(flushTimes(appendWindow, 0, 0.5)).toEqual([0, 6, 12, 18]);
  expect(flushTimes(appendWindow, 0, 1)).toEqual([0, 10, 20, 30]);
});

test("the clock of a node ends a window by itself", async () => {
  const window = new Window(broadcastWindow(() => 2));
  for (let i = 0; i < 2; i++) await new Promise<void>((flush) => window.queue({ flush }));
});
