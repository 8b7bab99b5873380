/** A broadcast, and send queues that share it: over sockets that only count. */
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { Broadcast } from "#tertulia/gateway/broadcast.js";
import { frameOf, type Frame } from "#tertulia/gateway/frame.js";
import { QueueBudget } from "#tertulia/gateway/queue-budget.js";
import { SendQueue } from "#tertulia/gateway/send-queue.js";
import type { Gatherer } from "#tertulia/window.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";
import { Dice } from "../session/dice.js";

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const dialect = classicDialect(options, wsProtocolDialect(options));

/** Both windows, ended by the test. */
class Windows {
  readonly #writers: Gatherer[] = [];

  queue(writer: Gatherer): void {
    this.#writers.push(writer);
  }

  end(): void {
    for (const writer of this.#writers.splice(0)) writer.flush();
  }
}

/** More than any of these tests lets wait. */
const BUDGET = new QueueBudget(1_000_000_000);

/** A client that reads nothing. */
class Deaf {
  readonly written: Buffer[] = [];
  readonly queue: SendQueue;
  cut = 0;

  constructor(windows: Windows, maxBytes = 1_000_000) {
    this.queue = new SendQueue({ maxBytes, maxStallMs: 1_000, budget: BUDGET }, windows, {
      slow: () => this.cut++,
    });
    const socket = {
      write: (bytes: Buffer) => this.written.push(bytes),
      writable: true,
    };
    Object.defineProperty(socket, "writableLength", { get: () => this.bytes.length });
    this.queue.attach({ readyState: 1 } as WebSocket, socket as unknown as Socket);
    this.queue.uncork();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }
}

function frame(text: string): Frame {
  return frameOf(Buffer.from(text), "binary");
}

function texts(bytes: Buffer): string {
  return bytes.toString("latin1").replaceAll(/\x82./g, " ").trim();
}

test("sockets with nothing of their own between get one buffer, made once", () => {
  const windows = new Windows();
  const broadcast = new Broadcast(dialect);
  const [one, two, late] = [new Deaf(windows), new Deaf(windows), new Deaf(windows)];
  for (const { queue } of [one, two]) queue.share(broadcast);
  expect(broadcast.push(() => frame("a"), windows)).toBe(2);
  late.queue.share(broadcast);
  expect(broadcast.push(() => frame("b"), windows)).toBe(3);
  expect(broadcast.push(() => undefined, windows)).toBe(0);
  expect(one.written).toEqual([]);
  windows.end();
  expect([one, two, late].map(({ bytes }) => texts(bytes))).toEqual(["a b", "a b", "b"]);
  expect(one.written[0]).toBe(two.written[0]);
  broadcast.push(() => frame("c"), windows);
  one.queue.flush(); // before the end of the window, as before a close
  broadcast.push(() => frame("d"), windows);
  windows.end();
  expect([one, two, late].map(({ bytes }) => texts(bytes))).toEqual([
    "a b c d",
    "a b c d",
    "b c d",
  ]);
});

test("frames of a socket's own keep their place among those for everybody", () => {
  const windows = new Windows();
  const broadcast = new Broadcast(dialect);
  const { queue, written } = new Deaf(windows);
  queue.share(broadcast);
  broadcast.push(() => frame("a"), windows);
  queue.send(frame("own"));
  broadcast.push(() => frame("b"), windows);
  queue.cork();
  queue.push(frame("held"));
  queue.send(frame("reply"));
  queue.uncork();
  broadcast.push(() => frame("c"), windows);
  queue.unshare();
  broadcast.push(() => frame("for others"), windows);
  queue.push(frame("last"));
  windows.end();
  expect(written.map(texts)).toEqual(["a own b reply held c last"]);
});

test("what may wait longer leaves before a frame behind it, and none overtakes it", () => {
  const [soon, late] = [new Windows(), new Windows()];
  const broadcast = new Broadcast(dialect);
  const [sharing, own] = [new Deaf(soon), new Deaf(soon)];
  for (const { queue } of [sharing, own]) queue.share(broadcast);
  broadcast.push(() => frame("joined"), late);
  soon.end();
  expect(sharing.written).toEqual([]);
  broadcast.push(() => frame("message"), soon);
  broadcast.push(() => frame("left"), late);
  own.queue.send(frame("answer"));
  soon.end();
  expect(sharing.written.map(texts)).toEqual(["joined message left"]);
  expect(own.written.map(texts)).toEqual(["joined message left answer"]);
  late.end();
  expect(sharing.written).toHaveLength(1);
  broadcast.push(() => frame("alone"), late);
  late.end();
  for (const { written } of [sharing, own]) expect(texts(written[1]!)).toBe("alone");
});

test("more than 64 KiB leave without waiting for the end of the window", () => {
  const windows = new Windows();
  const broadcast = new Broadcast(dialect);
  const { queue, written } = new Deaf(windows);
  queue.share(broadcast);
  const large = frame("x".repeat(22_000));
  for (let i = 0; i < 2; i++) broadcast.push(() => large, windows);
  expect(written).toHaveLength(0);
  broadcast.push(() => large, windows);
  expect(written.map(({ length }) => length)).toEqual([3 * large.length]);
  windows.end();
  expect(written).toHaveLength(1);
});

test("a slow reader is cut at the same frame, whether it shares a broadcast or not", () => {
  let cut = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const dice = new Dice(seed);
    const windows = new Windows();
    const broadcast = new Broadcast(dialect);
    const maxBytes = 50 + dice.upTo(800);
    const [sharing, apart] = [new Deaf(windows, maxBytes), new Deaf(windows, maxBytes)];
    sharing.queue.share(broadcast);
    for (let i = 0; i < 40; i++) {
      const each = frame(`${i}${"x".repeat(dice.upTo(20))}`);
      if (dice.chance(0.2)) {
        for (const { queue } of [sharing, apart]) queue.send(each);
      } else {
        broadcast.push(() => each, windows);
        apart.queue.push(each);
      }
      if (dice.chance(0.2)) windows.end();
    }
    windows.end();
    expect(texts(sharing.bytes), `seed ${seed}`).toBe(texts(apart.bytes));
    expect(sharing.cut, `seed ${seed}`).toBe(apart.cut);
    cut += apart.cut;
  }
  expect(cut).toBeGreaterThan(300);
  expect(cut).toBeLessThan(500);
});
