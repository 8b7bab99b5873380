/** Leases, as far as they need no Redis. */
import { expect, test } from "vitest";
import { observe } from "#tertulia/observe.js";
import { Keys } from "#tertulia/redis/keys.js";
import { RedisLeases } from "#tertulia/redis/lease.js";
import type { FunctionLibrary } from "#tertulia/redis/function-library.js";

test("a generation on older data is requested at the third beat, however often the node joined", async () => {
  const asked: string[] = [];
  const library = {
    observe: observe("silent", "test"),
    call: async (_name: string, _keys: unknown, [, , , mode, anew]: string[]) => {
      asked.push(`${mode!} ${anew!}`);
      return [0, 1, 1, 1, 1]; // not a member, on older data
    },
  };
  const settings = { leaseMs: 4_000, stallMs: 2_500, idleAfterMs: 60_000 };
  const leases = new RedisLeases(library as unknown as FunctionLibrary, new Keys("test"), settings);
  for (let beat = 0; beat < 3; beat++) {
    await leases.renew("node");
    if (beat < 2) await leases.join("node");
  }
  expect([...new Set(asked.slice(0, -16))]).toEqual(["renew ", "join "]);
  expect([...new Set(asked.slice(-16))]).toEqual(["renew anew"]);
});
