/** Users on Redis: when claims leave. What they do is tried with Redis, in functions.test.ts. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Unavailable, type Holder } from "#tertulia/chat/ports.js";
import type { Membership } from "#tertulia/cluster/ports.js";
import { Attempts } from "#tertulia/redis/attempts.js";
import type { FunctionLibrary } from "#tertulia/redis/function-library.js";
import { Keys } from "#tertulia/redis/keys.js";
import { RedisUserStore } from "#tertulia/redis/user-store.js";
import type { Gatherer } from "#tertulia/window.js";

test("claims of a window leave together at its end, and none for a session that has ended by then", async () => {
  const called: string[] = [];
  const library = {
    attempts: new Attempts(() => {}),
    call: (name: string, _: unknown, [user]: readonly [Buffer]) => {
      called.push(`${name} ${String(user)}`);
      return Promise.resolve([Buffer.from("new"), 1, 2]);
    },
  } as unknown as FunctionLibrary;
  const queued: Gatherer[] = [];
  const window = { queue: (gatherer: Gatherer) => void queued.push(gatherer) };
  const membership = { incarnation: "node" } as Membership;
  const settings = { deadlineMs: 1_000, loginIdleMs: 60_000, stallMs: 1_000, nameKeptMs: 0 };
  const store = new RedisUserStore(library, new Keys("t"), membership, settings, window);
  const holder = (name: string): Holder & { isLive: boolean } => ({
    name: name as Name,
    id: "id",
    key: undefined,
    address: undefined,
    isLive: true,
  });
  const [ana, bob, eva] = [holder("ana"), holder("bob"), holder("eva")];
  const outcomes = [ana, bob, eva].map((each) => store.claim(each, 5));
  const refused = expect(outcomes[2]).rejects.toThrow(Unavailable);
  eva.isLive = false;
  expect(called).toEqual([]);
  expect(queued).toEqual([store]);
  store.flush();
  await refused;
  const at = { generation: 1, offset: 2 };
  expect(await Promise.all(outcomes.slice(0, 2))).toEqual([
    { outcome: "new", at },
    { outcome: "new", at },
  ]);
  expect(called).toEqual(["claim ana", "claim bob"]);
  void store.claim(ana, 5);
  expect(queued).toHaveLength(2);
  store.flush();
});
