/** How often clients may come in. */
import { expect, test } from "vitest";
import { Joins } from "#tertulia/limits/joins.js";

const ana = { client: "192.0.2.7 ana", address: "192.0.2.7" };

test("a client comes in four times at once, then twice a second, and is refused when it would wait long", () => {
  const joins = new Joins(50, 2_000);
  const taken = Array.from({ length: 9 }, () => joins.take(ana, 0));
  expect(taken.map(({ inMs }) => inMs)).toEqual([0, 0, 0, 0, 500, 1_000, 1_500, 2_000, 2_500]);
  expect(taken.at(-2)).toMatchObject({ outcome: "taken" });
  expect(taken.at(-1)).toMatchObject({ outcome: "refused" });
  // what was refused took nothing
  expect(joins.take(ana, 500)).toEqual({ outcome: "taken", inMs: 2_000 });
});

test("neither another name nor another address waits with it", () => {
  const joins = new Joins(50, 2_000);
  for (let i = 0; i < 9; i++) joins.take(ana, 0);
  for (const client of ["192.0.2.7 bob", "192.0.2.8 ana"]) {
    expect(joins.take({ ...ana, client }, 0)).toEqual({ outcome: "taken", inMs: 0 });
  }
});

test("what nobody has heard of is given back", () => {
  const joins = new Joins(50, 2_000);
  for (let i = 0; i < 100; i++) {
    expect(joins.take(ana, 0)).toEqual({ outcome: "taken", inMs: 0 });
    joins.giveBack(ana, 0);
  }
});

test("an address comes in a thousand times at once, then twenty times a second, unless it is not counted", () => {
  const joins = new Joins(50, 2_000);
  const from = (address: string | undefined, i: number): number =>
    joins.take({ client: `${address} u${i}`, address }, 0).inMs;
  for (let i = 0; i < 1_000; i++) expect(from("192.0.2.7", i)).toBe(0);
  expect(from("192.0.2.7", 1_000)).toBe(50);
  for (let i = 0; i < 1_100; i++) expect(from(undefined, i)).toBe(0);
});

test("where more may be asked for, more may come in; where less, no fewer", () => {
  const atOnce = (joins: Joins): number => {
    for (let i = 0; ; i++) if (joins.take(ana, 0).inMs > 0) return i;
  };
  expect(atOnce(new Joins(500, 20_000))).toBe(40);
  expect(atOnce(new Joins(1, 1))).toBe(4);
  expect(atOnce(new Joins(100_000, 0))).toBe(8_000);
});
