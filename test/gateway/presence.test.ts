/** What a gateway knows of presence without asking, and when it does not trust it. */
import { expect, test } from "vitest";
import type { Position } from "#tertulia/chat/events.js";
import type { Name, Status } from "#tertulia/chat/names.js";
import type { Present } from "#tertulia/chat/ports.js";
import { Presence } from "#tertulia/gateway/presence.js";
import { eventually } from "../support/eventually.js";

const ANA = "ana" as Name;

interface Reading {
  readonly resolve: (present: Present) => void;
  readonly reject: (error: Error) => void;
}

/** A node's presence; readings wait until they are answered. */
function world() {
  let offset = 0;
  const next = (): Position => ({ generation: 1, offset: ++offset });
  const readings: Reading[] = [];
  const node = { isHearing: true };
  const presence = new Presence(
    { windowMs: 250, fullUpTo: 100 },
    {
      users: {
        present: () => new Promise((resolve, reject) => readings.push({ resolve, reject })),
      },
      hub: { deliverPresence: () => {} },
      log: { warn: () => {} },
      isHearing: () => node.isHearing,
    },
  );
  return {
    presence,
    node,
    is: (status: Status): void =>
      presence.hear({ type: "presence", user: { name: ANA, status }, at: next(), cause: "asked" }),
    /** The reading that is under way, once it has been asked for. */
    reading: (): Promise<Reading> =>
      eventually(() => {
        expect(readings).not.toEqual([]);
        return readings.shift()!;
      }),
    there: (...users: Name[]): Present => ({
      at: next(),
      covers: () => true,
      users: users.map((name) => ({ name, status: "active" })),
    }),
  };
}

test("the status of a user is known from the moment that it is heard until the user leaves", () => {
  const { presence, is } = world();
  expect(presence.statusOf(ANA)).toBeUndefined();
  for (const status of ["active", "busy", "inactive"] as const) {
    is(status);
    expect(presence.statusOf(ANA)).toBe(status);
  }
  is("disconnected");
  expect(presence.statusOf(ANA)).toBeUndefined();
  presence.close();
});

test("nobody's status is known while this node may not hear what is announced", () => {
  const { presence, node, is } = world();
  is("active");
  node.isHearing = false;
  expect(presence.statusOf(ANA)).toBeUndefined();
  node.isHearing = true;
  expect(presence.statusOf(ANA)).toBe("active");
  presence.close();
});

test("after a gap nobody's status is known until each bucket with a gap has been read", async () => {
  const { presence, is, reading, there } = world();
  is("active");
  presence.reload(1);
  presence.reload(2);
  expect(presence.statusOf(ANA)).toBeUndefined();
  (await reading()).reject(new Error("Redis is away"));
  const second = await reading();
  expect(presence.statusOf(ANA)).toBeUndefined();
  second.resolve(there(ANA));
  const again = await reading();
  expect(presence.statusOf(ANA)).toBeUndefined();
  again.resolve(there(ANA));
  await eventually(() => expect(presence.statusOf(ANA)).toBe("active"));
  presence.close();
});

test("a user who left in a gap is not known when the bucket has been read", async () => {
  const { presence, is, reading, there } = world();
  is("active");
  presence.reload(1);
  (await reading()).resolve(there());
  await presence.load([]);
  expect(presence.statusOf(ANA)).toBeUndefined();
  presence.close();
});
