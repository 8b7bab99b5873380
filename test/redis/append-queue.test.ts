import { expect, test } from "vitest";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";
import { Unavailable, type Author, type Draft } from "#tertulia/chat/ports.js";
import { AppendQueue } from "#tertulia/redis/append-queue.js";
import { Keys } from "#tertulia/redis/keys.js";
import { Places } from "#tertulia/redis/places.js";
import type { Gatherer } from "#tertulia/window.js";
import { answerBytes } from "../support/append.js";

type Words = readonly (string | Buffer | number)[];

/** A call of `append`: what it was given, and how it is answered. */
interface Call {
  readonly keys: readonly string[];
  readonly args: Words;
  readonly number: number;
  readonly incarnation: string;
  /** Of each message: its text, '' for one that is to be skipped. */
  readonly texts: string[];
  answer(
    outcomes?: readonly (readonly [code: number, seq: number | string])[],
    mixed?: 0 | 1,
  ): void;
  fail(message: string): void;
}

/** Of the arguments, those for the whole batch. */
const BATCH_WORDS = 3;
const me = { incarnation: "i-1", isMember: true };

function world({ deadlineMs = 5_000, window }: { deadlineMs?: number; window?: Windows } = {}) {
  const calls: Call[] = [];
  const waiting: ((call: Call) => void)[] = [];
  const library = {
    call: (_name: string, keys: string[], args: Words) =>
      new Promise((resolve, reject) => {
        const messages = args.slice(BATCH_WORDS) as Buffer[];
        const texts = messages.map((each) => (each[2]! % 4 < 2 ? textOf(each) : ""));
        const stored = texts.map((text, i) => [text === "" ? 2 : 0, i + 1] as const);
        const call: Call = {
          keys,
          args,
          texts,
          incarnation: args[0] as string,
          number: (args[2] as Buffer).readUIntBE(0, 6),
          answer: (outcomes = stored, mixed = 0) => resolve([0, mixed, answerBytes(outcomes)]),
          fail: (message) => reject(new Error(message)),
        };
        const next = waiting.shift();
        if (next === undefined) calls.push(call);
        else next(call);
      }),
  };
  const membership = { ...me };
  const keys = new Keys("t");
  const settings = { historyKeep: 100, historyMaxAgeMs: 60_000, deadlineMs };
  const queue = new AppendQueue(
    { library: library as never, replication: undefined },
    keys,
    new Places(keys),
    membership,
    settings,
    window,
  );
  return {
    membership,
    calls,
    next: () =>
      new Promise<Call>((resolve) => {
        const call = calls.shift();
        if (call === undefined) waiting.push(resolve);
        else resolve(call);
      }),
    say: async (text: string, draft: Partial<Draft> = {}) => {
      const appended = await queue.append({
        author: { name: "ana" as Name },
        conversation: GENERAL,
        mid: text,
        mayRepeat: false,
        text: Buffer.from(text),
        ...draft,
      });
      if (typeof appended === "string") throw new Error(appended);
      return appended;
    },
  };
}

/** Windows that end when the test says so. */
class Windows {
  #queued: Gatherer[] = [];

  queue(gatherer: Gatherer): void {
    this.#queued.push(gatherer);
  }

  end(): void {
    for (const gatherer of this.#queued.splice(0)) gatherer.flush();
  }
}

function textOf(message: Buffer): string {
  let end = 4 + message[3]!; // behind the id
  for (let i = 0; i < 3; i++) end += 1 + message[end]!;
  return message.subarray(end).toString();
}

test("what is said in one turn goes at once, and what comes meanwhile goes together", async () => {
  const { say, next, calls } = world();
  const first = [say("a"), say("b")];
  const call = await next();
  expect(call.texts).toEqual(["a", "b"]);
  const rest = [say("c"), say("d"), say("e")];
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([]);
  call.answer();
  expect((await Promise.all(first)).map(({ seq }) => seq)).toEqual([1, 2]);
  const second = await next();
  expect(second.texts).toEqual(["c", "d", "e"]);
  expect(second.number).toBeGreaterThan(call.number);
  second.answer();
  expect(await Promise.all(rest)).toHaveLength(3);
});

test("what waits leaves at the end of a window; a whole batch of it as soon as the call before has ended", async () => {
  const window = new Windows();
  const { say, next, calls } = world({ window });
  const all = [say("a")];
  expect(calls).toEqual([]);
  window.end();
  all.push(...Array.from({ length: 256 }, (_, i) => say(`m${i}`)));
  window.end(); // not while a call is under way
  const first = await next();
  first.answer();
  const second = await next();
  expect(second.texts).toHaveLength(256);
  all.push(say("z"));
  second.answer();
  await Promise.all(all.slice(0, 257));
  expect(calls).toEqual([]);
  window.end();
  const third = await next();
  expect(third.texts).toEqual(["z"]);
  third.answer();
  await Promise.all(all);
});

test("a bucket does not wait for another", async () => {
  const { say, next } = world();
  const bob = conversationBetween("ana" as Name, "bo" as Name);
  const both = [say("a"), say("b", { conversation: bob })];
  const calls = [await next(), await next()];
  expect(calls.map(({ texts }) => texts)).toEqual([["a"], ["b"]]);
  for (const call of calls) call.answer();
  await Promise.all(both);
});

test("a call has 256 messages at most, and 256 KiB unless one message has more", async () => {
  const { say, next } = world();
  const many = Array.from({ length: 262 }, (_, i) => say(`m${i}`));
  const call = await next();
  expect(call.texts).toHaveLength(256);
  call.answer();
  const rest = await next();
  expect(rest.texts).toHaveLength(6);
  const big = Array.from({ length: 5 }, (_, i) =>
    say("x", { text: Buffer.alloc(100_000, `${i}`) }),
  );
  rest.answer();
  const sizes: number[] = [];
  for (let i = 0; i < 3; i++) {
    const each = await next();
    sizes.push(each.texts.length);
    each.answer();
  }
  expect(sizes).toEqual([2, 2, 1]);
  await Promise.all([...many, ...big]);
});

test("a batch without an answer is sent again as it was, under its number; others wait behind it", async () => {
  const { say, next } = world();
  const all = [say("a"), say("b")];
  const call = await next();
  all.push(say("c"));
  call.fail("Connection is closed.");
  const again = await next();
  expect([again.keys, again.args, again.texts]).toEqual([call.keys, call.args, ["a", "b"]]);
  again.answer();
  const last = await next();
  expect(last.texts).toEqual(["c"]);
  last.answer();
  await Promise.all(all);
});

test("a message whose author is gone is not stored by a retry, and its outcome is asked for", async () => {
  const { say, next } = world();
  const [anas, bobs]: [{ -readonly [K in keyof Author]: Author[K] }, Author] = [
    { name: "ana" as Name, isLive: true },
    { name: "bob" as Name, isLive: true },
  ];
  const all = [say("a", { author: anas }), say("b", { author: bobs })];
  const refused = expect(all[0]).rejects.toThrow(Unavailable);
  const call = await next();
  anas.isLive = false;
  call.fail("Connection is closed.");
  const again = await next();
  expect(again.texts).toEqual(["", "b"]);
  expect(again.number).toBe(call.number);
  again.answer();
  await refused;
  expect((await all[1]!).seq).toBe(2);
});

test("a batch goes under a new incarnation only when Redis has refused the old one", async () => {
  const { say, next, membership } = world();
  const said = say("a");
  const call = await next();
  membership.incarnation = "i-2";
  call.fail("Connection is closed.");
  const again = await next();
  expect([again.incarnation, again.number]).toEqual(["i-1", call.number]);
  again.fail("FENCED the lease of node i-1 has ended");
  const last = await next();
  expect(last.incarnation).toBe("i-2");
  expect(last.number).toBeGreaterThan(call.number);
  last.answer();
  await said;
});

test("a batch that is refused under the present incarnation keeps its number", async () => {
  const { say, next } = world();
  const said = say("a");
  const call = await next();
  call.fail("FENCED the lease of node i-1 has ended");
  const again = await next();
  expect([again.incarnation, again.number]).toEqual(["i-1", call.number]);
  again.answer();
  await said;
});

test("nothing is sent while the node is no member", async () => {
  const { say, next, membership, calls } = world({ deadlineMs: 200 });
  membership.isMember = false;
  await expect(say("a")).rejects.toThrow(Unavailable);
  expect(calls).toEqual([]);
  membership.isMember = true;
  const said = say("b");
  (await next()).answer();
  await said;
});

test("a message that Redis refuses fails alone; a batch that it refuses fails at once", async () => {
  const { say, next } = world();
  const all = [say("a"), say("b")];
  const refused = expect(all[0]).rejects.toThrow("refuses it (WRONGTYPE)");
  (await next()).answer([
    [3, "WRONGTYPE Operation"],
    [0, 7],
  ]);
  await refused;
  expect((await all[1]!).seq).toBe(7);
  const full = expect(say("c")).rejects.toThrow("refuses it (OOM)");
  (await next()).fail("OOM command not allowed");
  await full;
});

test("a message that may be blocked is told so, and its neighbours are stored", async () => {
  const { say, next } = world();
  const all = [say("a"), say("b")];
  const blocked = expect(all[0]).rejects.toThrow("blocked");
  (await next()).answer([
    [6, 0],
    [0, 7],
  ]);
  await blocked;
  expect((await all[1]!).seq).toBe(7);
});

test("a message whose id is another one's is told so, and its neighbours are not", async () => {
  const { say, next } = world();
  const all = [say("a"), say("b")];
  const conflict = expect(all[0]).rejects.toThrow("mid_conflict");
  (await next()).answer([
    [5, 0],
    [0, 7],
  ]);
  await conflict;
  expect((await all[1]!).seq).toBe(7);
});

test("each message of a batch fails when its own time is over", async () => {
  const { say, next } = world({ deadlineMs: 2_000 });
  const first = say("first");
  const failed = expect(first).rejects.toThrow("no answer in time");
  let call = await next();
  const early = say("a");
  const failedToo = expect(early).rejects.toThrow("no answer in time");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const late = say("b");
  // the first one's time goes by, then that of `a`
  while (call.texts.at(-1) !== "b" || call.texts[0] !== "") {
    call.fail("Connection is closed.");
    call = await next();
  }
  await Promise.all([failed, failedToo]);
  expect(call.texts).toEqual(["", "b"]);
  call.answer();
  expect((await late).seq).toBe(2);
});

test("a slow Redis is not asked for what nobody waits for any more", async () => {
  const { say, next, calls } = world({ deadlineMs: 150 });
  const first = say("first");
  const call = await next();
  const late = Array.from({ length: 70 }, (_, i) =>
    say(`late ${i}`).catch((error: unknown) => error),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  const fresh = say("fresh");
  call.answer();
  await Promise.allSettled([first, ...late]);
  const outcomes = await Promise.all(late);
  expect(outcomes.every((each) => each instanceof Unavailable)).toBe(true);
  const second = await next();
  expect(second.texts).toEqual(["fresh"]);
  second.answer();
  await fresh;
  expect(calls).toEqual([]);
});

test("while the node is no member, each message fails when its own time is over", async () => {
  const { say, membership } = world({ deadlineMs: 300 });
  membership.isMember = false;
  const failed: string[] = [];
  const first = say("first").catch(() => failed.push("first"));
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, say("second").catch(() => failed.push("second"))]);
  expect(failed).toEqual(["first", "second"]);
});

test("keys of answers are passed when Redis wants them, until it wants them no more", async () => {
  const { say, next } = world();
  const sent = (call: Call): string[] => call.keys.filter((key) => key.includes(":sent:"));
  const said = say("a", { mayRepeat: true });
  const call = await next();
  expect(sent(call)).toEqual([]);
  call.fail("MIXED the keys of sent are missing");
  const again = await next();
  expect(sent(again)).toHaveLength(1);
  expect(again.number).toBe(call.number);
  again.answer([[0, 1]], 1);
  await said;
  const next1 = say("b", { mayRepeat: true });
  const still = await next();
  expect(sent(still)).toHaveLength(1);
  still.answer([[0, 1]]);
  await next1;
  const next2 = say("c", { mayRepeat: true });
  const last = await next();
  expect(sent(last)).toEqual([]);
  last.answer();
  await next2;
});

test("a mid that a client chose has an id of 14 bytes, another one none", async () => {
  const { say, next } = world();
  const all = [say("a", { mayRepeat: true }), say("b")];
  const call = await next();
  expect(call.args.slice(BATCH_WORDS).map((message) => (message as Buffer)[3])).toEqual([14, 0]);
  call.answer();
  await Promise.all(all);
});

test("the keys of inboxes are passed each half minute, and when Redis wants them", async () => {
  const { say, next } = world();
  const conversation = conversationBetween("ana" as Name, "bob" as Name);
  const inboxes = (call: Call): number => call.keys.filter((key) => key.includes(":inbox:")).length;
  const passed: number[] = [];
  for (let i = 0; i < 2; i++) {
    const said = say(`${i}`, { conversation });
    const call = await next();
    passed.push(inboxes(call));
    call.answer();
    await said;
  }
  expect(passed).toEqual([2, 0]);
  const both = [say("c", { conversation }), say("d", { conversation })];
  const wanting = await next();
  both.push(say("e", { conversation }));
  wanting.answer([
    [4, 0],
    [4, 0],
  ]);
  const again = await next();
  expect([again.texts, inboxes(again)]).toEqual([["c", "d", "e"], 2]);
  again.answer();
  await Promise.all(both);
});
