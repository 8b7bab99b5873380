/** What may be written to one recipient by those to whom it has not written. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Unanswered } from "#tertulia/limits/unanswered.js";

const [ana, bob, eve] = ["ana", "bob", "eve"] as Name[] as [Name, Name, Name];

test("all of them together may send as much as one connection may ask for", () => {
  const unanswered = new Unanswered(2);
  for (let i = 0; i < 2; i++) for (const each of [ana, eve]) unanswered.spend(each, bob, 10, 0);
  expect(unanswered.waitMs(ana, bob, 0)).toBe(500);
  expect(unanswered.waitMs(eve, bob, 0)).toBe(500);
  expect(unanswered.waitMs(ana, eve, 0)).toBe(0);
  expect(unanswered.waitMs(ana, bob, 500)).toBe(0);
});

test("a long text counts for several, a kilobyte each", () => {
  const unanswered = new Unanswered(2);
  unanswered.spend(ana, bob, 4_096, 0);
  expect(unanswered.waitMs(eve, bob, 0)).toBe(1_000);
});

test("to whom the recipient has written, and the recipient, are not counted", () => {
  const unanswered = new Unanswered(1);
  unanswered.heard(bob, ana);
  for (let i = 0; i < 9; i++) {
    unanswered.spend(ana, bob, 10, 0);
    unanswered.spend(bob, bob, 10, 0);
  }
  expect(unanswered.waitMs(eve, bob, 0)).toBe(0);
  for (let i = 0; i < 9; i++) unanswered.spend(eve, bob, 10, 0);
  expect(unanswered.waitMs(eve, bob, 0)).toBeGreaterThan(0);
  expect(unanswered.waitMs(ana, bob, 0)).toBe(0);
  expect(unanswered.waitMs(bob, bob, 0)).toBe(0);
  // what ana writes answers eve's messages to bob as little as bob's to eve do
  unanswered.heard(ana, bob);
  unanswered.heard(eve, bob);
  expect(unanswered.waitMs(eve, bob, 0)).toBeGreaterThan(0);
});

test("of many pairs, those are forgotten of which nothing was heard for longest", () => {
  const unanswered = new Unanswered(1);
  unanswered.heard(bob, ana);
  for (let i = 0; i < 30_000; i++) unanswered.heard(bob, `u${i}` as Name);
  unanswered.heard(bob, ana);
  for (let i = 30_000; i < 60_000; i++) unanswered.heard(bob, `u${i}` as Name);
  for (let i = 0; i < 9; i++) unanswered.spend(eve, bob, 10, 0);
  expect(unanswered.waitMs(ana, bob, 0)).toBe(0);
  expect(unanswered.waitMs("u0" as Name, bob, 0)).toBeGreaterThan(0);
});
