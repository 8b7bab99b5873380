/** Whom requests are counted for, and what they cost. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { addressKey } from "#tertulia/limits/address-key.js";
import { Budget, RequestLimits, type Spender } from "#tertulia/limits/budget.js";
import { costOf, costOfAnswer } from "#tertulia/limits/costs.js";
import type { ChatCommand } from "#tertulia/session/requests.js";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::FFFF:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  [undefined, "unknown"],
])("%s is counted as %s", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

const at = (address: string, user?: string): Spender => ({ address, user: user as Name });

test("a connection spends its own tokens, whatever others have", () => {
  const limits = new RequestLimits({ perSecond: 2, perSecondOfAddress: 0 });
  const [one, other] = [new Budget(limits, 0), new Budget(limits, 0)];
  one.spend(at("a"), 4, 0);
  expect(one.waitMs(at("a"), 0)).toBe(500);
  expect(other.waitMs(at("a"), 0)).toBe(0);
});

test("the devices of a user have twice as many together", () => {
  const limits = new RequestLimits({ perSecond: 2, perSecondOfAddress: 0 });
  const devices = [new Budget(limits, 0), new Budget(limits, 0), new Budget(limits, 0)];
  for (const each of devices.slice(0, 2)) each.spend(at("a", "ana"), 4, 0);
  expect(devices[2]!.waitMs(at("a", "ana"), 0)).toBeGreaterThan(0);
  expect(devices[2]!.waitMs(at("a", "bob"), 0)).toBe(0);
});

test("when the tokens of an address are used up, each of its connections still has two a second", () => {
  const limits = new RequestLimits({ perSecond: 1_000, perSecondOfAddress: 100 });
  const flooder = new Budget(limits, 0);
  let spent = 0;
  for (; flooder.waitMs(at("a"), 0) === 0; spent++) flooder.spend(at("a"), 1, 0);
  expect(spent).toBe(200 + 20);
  const quiet = new Budget(limits, 0);
  for (let i = 0; i < 20; i++) {
    expect(quiet.waitMs(at("a"), 0)).toBe(0);
    quiet.spend(at("a"), 1, 0);
  }
  expect(quiet.waitMs(at("a"), 0)).toBeGreaterThan(0);
  expect(new Budget(limits, 0).waitMs(at("b"), 0)).toBe(0);
});

const general = { kind: "general" } as const;
const page = (limit: number): ChatCommand => ({
  type: "page",
  of: general,
  range: { direction: "before", seq: 1, limit },
});

test.each<[ChatCommand, number]>([
  [{ type: "send", to: general, text: new Uint8Array(20) }, 1],
  [{ type: "send", to: general, text: new Uint8Array(16_384) }, 5],
  [{ type: "list" }, 2],
  [{ type: "history", of: general }, 8],
  [page(50), 5],
  [page(1e9), 8],
  [{ type: "status", status: "busy" }, 2],
  [{ type: "typing", to: general }, 2],
])("%o costs %d, before it is answered", (command, cost) => {
  const request = { type: "command", command } as const;
  expect(costOf({ kind: "request", request, ref: undefined })).toBe(cost);
});

test("an answer costs by its length, if it is long", () => {
  expect([0, 8_191, 8_192, 262_144].map(costOfAnswer)).toEqual([0, 0, 1, 32]);
});
