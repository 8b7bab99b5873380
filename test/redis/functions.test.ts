import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  FunctionLibrary,
  readFunctionSource,
  type LibraryFunction,
} from "#tertulia/redis/function-library.js";
import { MAX_DEVICES } from "#tertulia/chat/policy.js";
import { observe } from "#tertulia/observe.js";
import { Keys } from "#tertulia/redis/keys.js";
import { append as appendTo, appendWords } from "../support/append.js";
import { eventually } from "../support/eventually.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const functions = await readFunctionSource();
let redis: TestRedis;
let library: FunctionLibrary;

const keys = new Keys("t");
const node = "node-1";
const token = "000000000000001-000000000000001";
/** Longer than any test: what is slow here is the machine. */
const LEASE_MS = 60_000;
const general = { kind: "general" } as const;
const withMax = { kind: "direct", between: ["ana", "max"] } as never;
const direct = { kind: "direct", between: ["ana", "bob"] } as never;
const withAda = { kind: "direct", between: ["ada", "ana"] } as never;
const beatKeys = [keys.meta(0), keys.log(0), keys.nodes(0), ...keys.ids(0)];
const anasMarks = keys.marks(0, "ana" as never);
const anasInbox = keys.inbox(0, "ana" as never);

/** In the bucket of the other keys, which is not ana's own. */
const anasAccount = keys.account("ana" as never).replace(/\{\d+\}/, "{00}");
const ofAnasAccount = [keys.meta(0), keys.log(0), anasAccount];

/** The number of a batch behind those of `beforeEach`. */
const LATER = { number: 1_000_000 };

/** The account of a user who has left, if there were one. */
const GONE = "t:{00}:account:gone";

const ofRemoval = (conversation: typeof general, user: string): string[] => [
  keys.meta(0),
  keys.log(0),
  keys.nodes(0),
  keys.removed(0, conversation),
  keys.marks(0, user as never),
  keys.conversation(0, conversation),
  keys.history(0, conversation),
];
const inboxesOfBoth = ["ana", "ada"].flatMap((user) => [
  keys.inbox(0, user as never),
  keys.marks(0, user as never),
]);
const clearing = [keys.meta(0), keys.log(0), keys.unregistered(0), keys.unregistering(0)];

/** Every function that writes, with arguments that make it write. */
const writers: [LibraryFunction, string[], (string | Buffer | number)[]][] = [
  ["claim", keys.ofClaims(0, node), ["eva", "session-3", node, 2_500, MAX_DEVICES, "-"]],
  [
    "claim_proved",
    [...keys.ofClaims(0, node), anasAccount],
    [
      "login",
      "d1",
      60_000,
      "user",
      "eva",
      "session-3",
      node,
      2_500,
      MAX_DEVICES,
      "=share",
      "digest",
      "p",
      0,
    ],
  ],
  ["create_account", ["t:{00}:account:new", keys.unregistered(0)], ["hash", "v1", "share", "new"]],
  ["rehash", [anasAccount], ["v1", "another hash"]],
  ["note_act", ["t:{00}:moderation_log"], ["revoke", "=ana", "olga", "", "id-1", ""]],
  ["try_password", [anasAccount, "t:{00}:attempts:ana"], [8, 30_000]],
  ["set_password", ofAnasAccount, ["ana", "v1", "hash", "v2", "share", ""]],
  ["begin_login", ofAnasAccount, ["ana", "v1", "d33", 60_000, "phone"]],
  ["end_logins", ofAnasAccount, ["ana", "others", "", "v2"]],
  ["set_role", ofAnasAccount, ["ana", "moderator"]],
  ["revoke_tokens", ofAnasAccount, ["ana"]],
  ["set_block", [anasAccount], ["bob", 0, 200]],
  ["unset_block", [anasAccount], ["bob"]],
  ["hint_block", [keys.conversation(0, direct)], ["ana"]],
  ["unhint_block", [keys.conversation(0, withMax)], ["ana", 60_000]],
  ["leave", keys.ofUsers(0, node), ["ana", "session-1", "left"]],
  ["set_status", keys.ofUsers(0, node), ["ana", "session-1", 2]],
  ["touch", keys.ofUsers(0, node), ["bob", "session-2", "message"]],
  ["append", ...appendWords(keys, [{ mid: "m2" }, { mid: "m4", mayRepeat: false }], LATER)],
  ["append", ...appendWords(keys, [{ mid: "m3", to: "bob" }], LATER)],
  [
    "mark_read",
    [
      keys.marks(0, "bob" as never),
      keys.conversation(0, general),
      keys.history(0, general),
      keys.log(0),
    ],
    ["bob", "~", 1, 60_000, 0],
  ],
  ["remove", ofRemoval(general, "ana"), [node, 100, 60_000, 0, "ana", "", 1, 0, ""]],
  [
    "remove",
    [...ofRemoval(withAda, "ana"), ...inboxesOfBoth],
    [node, 100, 60_000, 0, "ana", "ada", 1, 0, ""],
  ],
  ["drop_former_mark", [keys.marks(0, "max" as never)], ["~", 1]],
  // ids are touched only when they are rotated, whatever they are
  ["beat", beatKeys.slice(0, 3), [node, 4_000, 2_500, "renew"]],
  ["disown", keys.ofUsers(0, node), [node, "ana"]],
  ["sweep", keys.ofUsers(0, "-"), [token, 0, 2_500, 100]],
  ["reap", keys.ofUsers(0, "dead"), [token, "dead", 2_500, 100]],
  [
    "forget_writers",
    [keys.meta(0), keys.log(0), keys.conversation(0, general), keys.history(0, general)],
    [token, -LEASE_MS, "ana"],
  ],
  ["forget", [...keys.ofOwners(0, "-"), GONE], [token, 0, 0, "gone"]],
  [
    "unregister",
    [...keys.ofClaims(0, "-"), anasAccount, keys.unregistering(0)],
    ["ana", "session-1", "v1", 0, 0, 0],
  ],
  [
    "erase_messages",
    [
      keys.meta(0),
      keys.log(0),
      keys.conversation(0, general),
      keys.history(0, general),
      keys.removed(0, general),
    ],
    [token, 1, "ana", 0, 0, 60_000],
  ],
  ["unregistering_users", clearing, [token, 8, 60_000]],
  [
    "forget_gone",
    [keys.meta(0), keys.log(0), keys.conversation(0, general), keys.history(0, general)],
    [token, "quit"],
  ],
  ["forget_left", clearing, [token, "quit"]],
  ["clear_blocks", ofAnasAccount, [token, 1]],
  ["end_clearing", clearing, [token, "quit", 1, Date.now()]],
  ["elect", [keys.meta(0), keys.log(0), keys.leader()], [node, 4_000]],
];

beforeAll(async () => {
  redis = await startRedis();
  library = new FunctionLibrary(redis.client, functions, observe("silent", "test"));
});
afterAll(() => redis.close());

/** Ana active, Bob inactive, Max of a dead node, one message; all grace is over. */
beforeEach(async () => {
  await redis.client.config("SET", "maxmemory", "0");
  await redis.client.flushall();
  for (const incarnation of [node, "dead"]) {
    await library.call("beat", beatKeys, [incarnation, LEASE_MS, 2_500, "join"]);
  }
  await library.call("claim", keys.ofClaims(0, node), [
    "ana",
    "session-1",
    node,
    2_500,
    MAX_DEVICES,
    "-",
  ]);
  await library.call("claim", keys.ofClaims(0, node), [
    "bob",
    "session-2",
    node,
    2_500,
    MAX_DEVICES,
    "-",
  ]);
  await library.call("set_status", keys.ofUsers(0, node), ["bob", "session-2", 3]);
  await library.call("claim", keys.ofClaims(0, "dead"), [
    "max",
    "session-4",
    "dead",
    2_500,
    MAX_DEVICES,
    "-",
  ]);
  await library.call(
    "create_account",
    [anasAccount, keys.unregistered(0)],
    ["hash", "v1", "share", "ana"],
  );
  const longAgo = String(Date.now() - 50_000);
  await redis.client.hset(anasAccount, "block:bob", longAgo);
  await redis.client.hset(keys.conversation(0, withMax), "blocks:ana", "1");
  for (let i = 1; i <= 32; i++)
    await redis.client.hset(anasAccount, `login:d${i}`, `${longAgo} ${longAgo} page`);
  await appendTo(library, keys, [{ mid: "m1" }, { mid: "m1", to: "ada" }]);
  await redis.client.hset(keys.conversation(0, withAda), "renewed", 1);
  await redis.client.hset(keys.users(0), "gone", "0 1 -");
  await redis.client.zadd(keys.left(0), 1, "gone");
  await redis.client.hset(keys.marks(0, "max" as never), "~", 1);
  await redis.client.zadd(keys.unregistering(0), 2 ** 42 + 1, "quit");
  await redis.client.hset(keys.unregistered(0), "quit", "1 0 0");
  await redis.client.hset(keys.nodes(0), "dead", 1);
  await redis.client.hset(keys.meta(0), "grace", 0);
});

/** Whether the function is registered so that it works while Redis is full. */
function worksWhenFull(name: LibraryFunction): boolean {
  return new RegExp(`^register\\('${name}',.*'allow-oom'`, "m").test(functions.source);
}

async function snapshot(except?: string): Promise<Map<string, string>> {
  const all = (await redis.client.keys("*")).filter((key) => key !== except).toSorted();
  const dumps = await Promise.all(all.map(contentOf));
  return new Map(all.map((key, i) => [key, dumps[i]!]));
}

/** The dump of a hash depends on the order of its fields, which reads may change. */
async function contentOf(key: string): Promise<string> {
  if ((await redis.client.type(key)) !== "hash") {
    return (await redis.client.dumpBuffer(key)).toString("base64");
  }
  const fields = Object.entries(await redis.client.hgetallBuffer(key));
  return fields
    .map(([field, value]) => `${field} ${value.toString("base64")}`)
    .toSorted()
    .join();
}

describe("a function does nothing or everything", () => {
  for (const [name, its, args] of writers) {
    test(`${name} writes when nothing is wrong`, async () => {
      const before = await snapshot();
      await library.call(name, its, args);
      expect(await snapshot()).not.toEqual(before);
    });

    for (const [i, key] of its.entries()) {
      if (name === "append" && key.includes(":removed:")) continue; // only its expiry is set
      if (name === "forget" && key === GONE) continue; // that name stays: forgotten-names.test
      test(`${name} changes nothing when ${key} is of another type`, async () => {
        await redis.client.del(key);
        await redis.client.rpush(key, "no key is a list");
        const before = await snapshot();
        const refused = await library.call(name, its, args).then(
          () => undefined,
          (error: Error) => error.message,
        );
        expect(await snapshot()).toEqual(before);
        expect(refused ?? "it was not even touched", `key ${i + 1}`).toMatch(
          /WRONGTYPE|not even touched/,
        );
      });
    }
  }

  for (const name of ["claim", "append", "set_block", "hint_block"] as const) {
    test(`${name} changes nothing when Redis is full, and works again when it is not`, async () => {
      const [, its, args] = writers.find(([each]) => each === name)!;
      await redis.client.config("SET", "maxmemory", "1");
      const before = await snapshot();
      await expect(library.call(name, its, args)).rejects.toThrow("OOM");
      expect(await snapshot()).toEqual(before);
      await redis.client.config("SET", "maxmemory", "0");
      await library.call(name, its, args);
      expect(await snapshot()).not.toEqual(before);
    });
  }

  test("a name is not free if its clearing began too soon after its user had left", async () => {
    expect(await library.call("end_clearing", clearing, [token, "quit", 1, 2])).toBe(0);
    expect(await library.call("end_clearing", clearing, [token, "quit", 1, Date.now()])).toBe(1);
  });

  test("leases, sign-outs and sweeps work while Redis is full", async () => {
    await redis.client.config("SET", "maxmemory", "1");
    for (const [name, its, args] of writers) {
      if (worksWhenFull(name)) await library.call(name, its, args);
    }
  });
});

describe("append", () => {
  const append = (mid: string, text: string): Promise<unknown> =>
    appendTo(library, keys, [{ mid, text }]);

  test("an author's last message is read, in conversations and in marks", async () => {
    await append("m7", "read by who wrote it");
    const extents = async (user: string): Promise<unknown> => {
      const its = [
        keys.conversation(0, general),
        keys.history(0, general),
        keys.removed(0, general),
      ];
      const [, head, , wrote] = (await library.call("extents", its, [60_000, 0, user])) as number[];
      return { head, wrote };
    };
    expect(await extents("ana")).toEqual({ head: 2, wrote: 2 });
    expect(await extents("bob")).toEqual({ head: 2, wrote: 0 });
    const [, its] = writers.find(([name]) => name === "mark_read")!;
    const marksOf = (user: string): string[] => [keys.marks(0, user as never), ...its.slice(1)];
    const read = (user: string): Promise<unknown> =>
      library.call("mark_read", marksOf(user), [user, "~", 1, 60_000, 0]);
    expect(await read("ana")).toEqual([2, 0]);
    expect(await read("bob")).toEqual([1, 1]);
  });

  test("remembers a user's newest 200 private conversations and their marks, and forgets the others", async () => {
    for (let i = 0; i < 201; i++) {
      const other = `other-${i}`;
      await appendTo(library, keys, [{ mid: "m1", to: other }]);
      await redis.client.hset(anasMarks, other, 1);
    }
    expect(await redis.client.zcard(anasInbox)).toBe(200);
    expect(await redis.client.zscore(anasInbox, "other-200")).not.toBeNull();
    const marks = await redis.client.hkeys(anasMarks);
    expect(marks).toHaveLength(200);
    expect(marks).not.toContain("other-0");
    await redis.client.zrem(anasInbox, "other-200", "other-199");
    // three of a batch, for which there are two places
    const three = ["x", "y", "z"].map((to) => ({ mid: "m1", to }));
    await appendTo(library, keys, three);
    expect(await redis.client.zcard(anasInbox)).toBe(200);
    expect(await redis.client.hexists(anasMarks, "other-1")).toBe(0);
  });

  test("numbers without holes, positions and seqs alike", async () => {
    const before = Number(await redis.client.hget(keys.meta(0), "n"));
    for (let i = 0; i < 20; i++) await append(`n${i}`, "x");
    const history = await redis.client.xrange(keys.history(0, general), "-", "+");
    expect(history.map(([id]) => id)).toEqual(Array.from({ length: 21 }, (_, i) => `${i + 1}-0`));
    expect(Number(await redis.client.hget(keys.meta(0), "n"))).toBe(before + 20);
  });

  test("is refused for a node whose lease has ended", async () => {
    await redis.client.hset(keys.nodes(0), node, 1);
    const before = await snapshot();
    await expect(append("late", "x")).rejects.toThrow("FENCED");
    expect(await snapshot()).toEqual(before);
  });

  test("keeps by count and by age", async () => {
    for (let i = 0; i < 500; i++) {
      await append(`c${i}`, "x");
    }
    const length = await redis.client.xlen(keys.history(0, general));
    expect(length).toBeGreaterThanOrEqual(100);
    expect(length).toBeLessThan(300); // trimmed by whole nodes of the stream
    await append("old", "x");
    await new Promise((resolve) => setTimeout(resolve, 30));
    const shown = await library.call(
      "history",
      [keys.conversation(0, general), keys.history(0, general)],
      [255, 20, 0, 4_096, 256],
    );
    expect(shown).toEqual([]);
    // an old head is dropped by each 16th message, 64 at a time
    for (let i = 0; i < 5 * 16; i++) {
      await appendTo(library, keys, [{ mid: `d${i}` }], { keepMs: 20 });
    }
    expect(await redis.client.xlen(keys.history(0, general))).toBeLessThan(5 * 16 + 64);
  });

  test("keeps a conversation in which the user has written, however many strangers write", async () => {
    const say = (author: string, to: string): Promise<unknown> =>
      appendTo(library, keys, [{ mid: `${author}-${to}`, author, to }]);
    await say("ana", "bob");
    await say("eva", "ana");
    await say("ana", "eva"); // an answer, within the minute
    for (let i = 0; i < 250; i++) await say(`stranger-${i}`, "ana");
    const kept = await redis.client.zrevrange(anasInbox, 0, -1);
    expect(kept).toHaveLength(200);
    expect(kept.slice(0, 2)).toEqual(["eva", "bob"]);
    // among those in which the user has written, the newest are kept
    for (let i = 0; i < 200; i++) await say("ana", `friend-${i}`);
    await say("stranger", "ana");
    const friends = await redis.client.zrevrange(anasInbox, 0, -1);
    expect(friends).toHaveLength(200);
    expect(friends.filter((name) => !name.startsWith("friend-"))).toEqual([]);
  });

  test("renews a conversation's expiry and its place in the inboxes once a minute", async () => {
    const say = (mid: string): Promise<unknown> => appendTo(library, keys, [{ mid, to: "bob" }]);
    const conversation = keys.conversation(0, direct);
    await say("m1");
    await redis.client.zadd(anasInbox, 1, "bob");
    await redis.client.pexpire(conversation, 120_000);
    await say("m2");
    expect(Number(await redis.client.zscore(anasInbox, "bob"))).toBe(1);
    expect(await redis.client.pttl(conversation)).toBeLessThanOrEqual(120_000);
    await redis.client.hincrby(conversation, "renewed", -60_000);
    await say("m3");
    expect(Number(await redis.client.zscore(anasInbox, "bob"))).toBeGreaterThan(1);
    expect(await redis.client.pttl(conversation)).toBeGreaterThan(120_000);
    await redis.client.zrem(anasInbox, "bob");
    await redis.client.hincrby(conversation, "renewed", 600_000); // the clock was set back
    await say("m4");
    expect(await redis.client.zscore(anasInbox, "bob")).not.toBeNull();
  });
});

test("when no message of a user who has left is kept any more, it is forgotten which ones are nobody's", async () => {
  const of = [keys.meta(0), keys.log(0), keys.conversation(0, general), keys.history(0, general)];
  await appendTo(library, keys, [{ mid: "m5" }, { mid: "m6" }]);
  const gone = { "gone:old": "1-1 ", "gone:twice": "1-1 3-3 ", "gone:bad": "x" };
  await redis.client.hset(keys.conversation(0, general), gone);
  await redis.client.xtrim(keys.history(0, general), "MINID", "2-0");
  await redis.client.zadd(keys.unregistering(0), 1, "old");
  await redis.client.hset(keys.unregistered(0), "old", "1");
  const answer = await library.call("unregistering_users", clearing, [token, 8, 60_000]);
  const [users, past] = answer as [Buffer[], Buffer[]];
  expect([users.map(String), past.map(String)]).toEqual([["quit", "1", "0", "0"], ["old"]]);
  await library.call("forget_gone", of, [token, "old", "twice", "bad", "none"]);
  const left = await redis.client.hkeys(keys.conversation(0, general));
  expect(left.filter((field) => field.startsWith("gone"))).toEqual(["gone:twice"]);
  await library.call("forget_left", clearing, [token, ...past]);
  expect(await redis.client.hkeys(keys.unregistered(0))).toEqual(["quit"]);
});

test("a name of which the record is damaged is not forgotten", async () => {
  const accounts = ["broken", "gone"].map((name) => `t:{00}:account:${name}`);
  await redis.client.hset(keys.users(0), "broken", "no record");
  await redis.client.hset(keys.owners(0), "broken", "digest 1 0");
  const forgotten = await library.call(
    "forget",
    [...keys.ofOwners(0, "-"), ...accounts],
    [token, 0, 0, "broken", "gone"],
  );
  expect(await redis.client.hget(keys.users(0), "broken")).toBe("no record");
  expect(await redis.client.hget(keys.owners(0), "broken")).toBe("digest 1 0");
  expect((forgotten as Buffer[]).map(String)).toEqual(["gone"]);
});

test("disown removes a node's holds of a name, except those of the given sessions", async () => {
  const its = keys.ofUsers(0, node);
  const claimed = keys.ofClaims(0, node);
  await library.call("claim", claimed, ["eva", "then", node, 2_500, MAX_DEVICES, "key"]);
  await library.call("claim", claimed, ["eva", "now", node, 2_500, MAX_DEVICES, "key"]);
  const held = async (): Promise<string> => (await redis.client.hget(keys.users(0), "eva"))!;
  expect(await library.call("disown", its, [node, "eva", "now", "another"])).toBe(1);
  expect(await held()).toMatch(/^1 \d+ \S+ now node-1$/);
  expect(await redis.client.sismember(its.at(-1)!, "eva")).toBe(1);
  expect(await library.call("disown", its, [node, "eva", "now"])).toBe(0);
  expect(await library.call("disown", its, [node, "eva"])).toBe(1);
  expect(await held()).toMatch(/^0 /);
  expect(await redis.client.sismember(its.at(-1)!, "eva")).toBe(0);
});

describe("leadership", () => {
  const elect = async (incarnation: string): Promise<string> =>
    String(
      await library.call("elect", [keys.meta(0), keys.log(0), keys.leader()], [incarnation, 4_000]),
    );

  test("is given to one, renewed, and given to the next with a greater token", async () => {
    const first = await elect("a");
    expect(await elect("b")).toBe("");
    expect(await elect("a")).toBe(first);
    await library.call("resign", [keys.leader()], ["a"]);
    const second = await elect("b");
    expect(second > first).toBe(true);
  });

  test("goes on with another token in another generation", async () => {
    const first = await elect("a");
    await redis.client.call("DEBUG", "CHANGE-REPL-ID");
    await library.call("beat", beatKeys, [node, LEASE_MS, 2_500, "renew", ""]);
    expect(await elect("b")).toBe("");
    const second = await elect("a");
    expect(second > first).toBe(true);
    expect(await elect("a")).toBe(second);
  });

  test("a stale token is refused, and does nothing", async () => {
    const first = await elect("a");
    await library.call("resign", [keys.leader()], ["a"]);
    const second = await elect("b");
    await library.call("sweep", keys.ofUsers(0, "-"), [second, 60_000, 2_500, 100]);
    const before = await snapshot();
    await expect(
      library.call("sweep", keys.ofUsers(0, "-"), [first, 0, 2_500, 100]),
    ).rejects.toThrow("STALE");
    await expect(
      library.call("forget", [...keys.ofOwners(0, "-"), GONE], [first, 0, 0, "gone"]),
    ).rejects.toThrow("STALE");
    await expect(
      library.call("reap", keys.ofUsers(0, "dead"), [first, "dead", 2_500, 100]),
    ).rejects.toThrow("STALE");
    expect(await snapshot()).toEqual(before);
  });
});

describe("a lease", () => {
  const beat = async (mode: string): Promise<number> =>
    ((await library.call("beat", beatKeys, ["dead", 4_000, 2_500, mode])) as number[])[0]!;

  test("that has ended cannot be renewed", async () => {
    expect(await beat("renew")).toBe(0);
    expect(await beat("join")).toBe(1);
  });

  test("does not end while no node could renew", async () => {
    // as if no node had reached the bucket for ten seconds
    await redis.client.hset(keys.meta(0), "beat", Date.now() - 10_000);
    expect(
      (
        (await library.call("reap", keys.ofUsers(0, "dead"), [
          token,
          "dead",
          2_500,
          100,
        ])) as number[]
      )[0],
    ).toBe(0);
    expect(await beat("renew")).toBe(1);
  });
});

describe("when the clock is set back by an hour", () => {
  const SHORT_MS = 300;
  const HOUR_MS = 3_600_000;
  const beat = (): Promise<unknown> =>
    library.call("beat", beatKeys, [node, SHORT_MS, 2_500, "renew"]);

  beforeEach(async () => {
    // what would stand there if all that was written had been written by a clock an hour ahead
    await redis.client.hset(keys.meta(0), "beat", Date.now() + HOUR_MS);
    await redis.client.hset(keys.meta(0), "grace", Date.now() + HOUR_MS);
    for (const each of [node, "dead"]) {
      await redis.client.hset(keys.nodes(0), each, Date.now() + HOUR_MS);
    }
  });

  test("a dead node's lease ends after the length of a lease, and nodes that renew keep theirs", async () => {
    await beat();
    const ends = Number(await redis.client.hget(keys.nodes(0), "dead"));
    expect(ends).toBeLessThanOrEqual(Date.now() + SHORT_MS);
    const dead = await eventually(async () => {
      // in one breath: else the lease of who renews could end before the sweep
      const [, found] = await Promise.all([
        beat(),
        library.call("sweep", keys.ofUsers(0, "-"), [token, HOUR_MS, 2_500, 100]),
      ]);
      const [, ...names] = found as [number, ...Buffer[]];
      expect(names.length).toBeGreaterThan(0);
      return names.map(String);
    });
    expect(dead).toEqual(["dead"]);
  });

  test("the log is kept for another minute", async () => {
    await redis.client.hset(keys.meta(0), {
      mark_g: await redis.client.hget(keys.meta(0), "g"),
      mark_n: 1_000_000,
      mark_at: Date.now() + HOUR_MS,
    });
    const before = await redis.client.xlen(keys.log(0));
    await beat();
    expect(await redis.client.xlen(keys.log(0))).toBe(before);
    const marked = await redis.client.hmget(keys.meta(0), "mark_n", "n");
    expect(marked[0]).toBe(marked[1]);
  });

  test("a dead leader is replaced without a wait", async () => {
    await redis.client.hset(keys.leader(), {
      incarnation: "gone",
      token,
      ends: Date.now() + HOUR_MS,
    });
    const its = [keys.meta(0), keys.log(0), keys.leader()];
    const next = String(await library.call("elect", its, ["next", SHORT_MS]));
    expect(next > token).toBe(true);
  });
});

describe("a generation", () => {
  const beat = async (by = library, anew = ""): Promise<number[]> =>
    (await by.call("beat", beatKeys, [node, LEASE_MS, 2_500, "renew", anew])) as number[];
  const append = (mid: string, by = library): Promise<unknown> => appendTo(by, keys, [{ mid }]);
  const head = async (): Promise<number[]> =>
    (await redis.client.hmget(keys.meta(0), "g", "n")).map(Number);
  const promote = (): Promise<unknown> => redis.client.call("DEBUG", "CHANGE-REPL-ID");

  /** What is returned puts all keys back as they are now. */
  async function backup(): Promise<() => Promise<unknown>> {
    const all = await redis.client.keys("*");
    const dumps = await Promise.all(all.map((key) => redis.client.dumpBuffer(key)));
    return async () => {
      await redis.client.flushall();
      await Promise.all(all.map((key, i) => redis.client.restore(key, 0, dumps[i]!)));
    };
  }

  test("begins when keys are put back while Redis runs: no position is given again", async () => {
    const restore = await backup();
    await append("lost");
    const [g, n] = await head();
    await restore();
    expect((await head())[1]).toBe(n! - 1);
    await append("new");
    const [next, first] = await head();
    expect(next).toBeGreaterThan(g!);
    expect(first).toBe(1);
    await append("and on");
    expect(await head()).toEqual([next, 2]);
  });

  test("begins with a message of a server that was promoted, or has what another one announced", async () => {
    await append("before");
    const [g] = await head();
    await promote();
    // append takes what INFO said some milliseconds ago
    let count = 0;
    const next = async () => (await append(`after-${++count}`), (await head())[0]);
    await expect.poll(next).toBeGreaterThan(g!);
    const [second] = await head();
    // all in one moment: append has asked INFO, and asks again because of what it finds
    const call = (mid: string): [string, ...(string | number | Buffer)[]] => {
      const [names, args] = appendWords(keys, [{ mid }]);
      return ["FCALL", `append_${functions.version}`, names.length, ...names, ...args, "0-0"];
    };
    const moment = redis.client.multi().call(...call("asks"));
    moment.call("DEBUG", "CHANGE-REPL-ID").hset(keys.meta(0), "replid", "of another server");
    await moment.call(...call("asks again")).exec();
    const [third, n] = await head();
    expect(third).toBeGreaterThan(second!);
    expect(n).toBe(1);
    const info = await redis.client.info("replication");
    expect(info).toContain(`master_replid:${await redis.client.hget(keys.meta(0), "replid")}`);
  });

  test("differs between two servers that go on from the same past, even with clocks behind", async () => {
    const ahead = Date.now() + 3_600_000;
    await redis.client.hset(keys.meta(0), { g: ahead, replid: "of the server before" });
    const restore = await backup();
    const begun = new Set<number>();
    for (let i = 0; i < 8; i++) {
      await restore();
      await redis.client.call("FUNCTION", "FLUSH"); // as another server, it remembers nothing
      await promote();
      const [, g] = await beat();
      expect(g).toBeGreaterThan(ahead);
      begun.add(g!);
    }
    expect(begun.size).toBeGreaterThan(6); // two of eight may have the same three digits
  });

  test("notes the ends of those before it that had events, the newest 32", async () => {
    const lineage = async (): Promise<string> =>
      (await redis.client.hget(keys.meta(0), "lineage"))!;
    const [g, n] = await head();
    expect(await lineage()).toBe(`${g}: 0-0`);
    await promote();
    const [, second] = await beat();
    await promote();
    const [, third] = await beat();
    expect(third).toBeGreaterThan(second!);
    expect(await lineage()).toBe(`${third}: 0-0 ${g}-${n}`);
    for (let i = 0; i < 40; i++) {
      await append(`m-${i}`);
      await promote();
      await beat();
    }
    expect((await lineage()).split(" ")).toHaveLength(33);
  });

  test("on data older than a node has seen, begins when the node asks; until then nothing is written", async () => {
    const [g, n] = await head();
    const seen = { newestIn: () => ({ generation: g! + 10_000, offset: 5 }) };
    const watch = observe("silent", "test");
    const its = new FunctionLibrary(redis.client, await readFunctionSource(), watch, seen);
    const before = await snapshot(keys.meta(0));
    await expect(append("refused", its)).rejects.toThrow("OLDER");
    const elect = its.call("elect", [keys.meta(0), keys.log(0), keys.leader()], [node, 4_000]);
    await expect(elect).rejects.toThrow("OLDER");
    expect(await snapshot(keys.meta(0))).toEqual(before);
    expect(await beat(its)).toEqual([1, g, n, expect.any(Number), 1]);
    await append("of a node that has not seen more");
    const [isMember, next, first, , isOlder] = await beat(its, "anew");
    expect([isMember, first, isOlder]).toEqual([1, 0, 0]);
    expect(next).toBeGreaterThan(g! + 10_000);
    await append("written", its);
    expect(await head()).toEqual([next, 1]);
  });
});

test("flushed functions are loaded again by the next call", async () => {
  await redis.client.call("FUNCTION", "FLUSH");
  expect(await library.call("lookup", [keys.users(0), keys.owners(0)], ["ana", 0])).toEqual([1, 0]);
});
