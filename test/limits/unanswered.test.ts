/** What may be written to one recipient by those to whom it has not written. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Unanswered } from "#tertulia/limits/unanswered.js";

const [ana, bob, eve] = ["ana", "bob", "eve"] as Name[] as [Name, Name, Name];

/** Uses up the few words that each has. */
function saidAFew(unanswered: Unanswered, ...authors: Name[]): Unanswered {
  for (const each of authors) for (let i = 0; i < 3; i++) unanswered.spend(each, bob, 10, 0);
  return unanswered;
}

test("each may say a few words, whoever floods; not a long text", () => {
  const unanswered = new Unanswered(1);
  for (let i = 0; i < 9; i++) unanswered.spend(eve, bob, 10, 0);
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBe(2_000);
  expect(unanswered.waitMs(ana, bob, 1_024, 0)).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) {
    expect(unanswered.waitMs(ana, bob, 10, 0)).toBe(0);
    unanswered.spend(ana, bob, 10, 0);
  }
  expect(unanswered.waitMs(ana, bob, 10, 0)).toBe(2_000);
  expect(unanswered.waitMs(ana, bob, 10, 2_000)).toBe(0);
});

test("all of them together may send as much as one connection may ask for", () => {
  const unanswered = saidAFew(new Unanswered(2), ana, eve);
  for (let i = 0; i < 2; i++) for (const each of [ana, eve]) unanswered.spend(each, bob, 10, 0);
  expect(unanswered.waitMs(ana, bob, 10, 0)).toBe(500);
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBe(500);
  expect(unanswered.waitMs(ana, eve, 10, 0)).toBe(0);
  expect(unanswered.waitMs(ana, bob, 10, 500)).toBe(0);
});

test("a long text counts for several, a kilobyte each", () => {
  const unanswered = saidAFew(new Unanswered(2), eve);
  unanswered.spend(ana, bob, 4_096, 0);
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBe(1_000);
});

test("to whom the recipient has written, and the recipient, are not counted", () => {
  const unanswered = saidAFew(new Unanswered(1), eve);
  unanswered.heard(bob, ana);
  for (let i = 0; i < 9; i++) {
    unanswered.spend(ana, bob, 10, 0);
    unanswered.spend(bob, bob, 10, 0);
  }
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBe(0);
  for (let i = 0; i < 9; i++) unanswered.spend(eve, bob, 10, 0);
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBeGreaterThan(0);
  expect(unanswered.waitMs(ana, bob, 10, 0)).toBe(0);
  expect(unanswered.waitMs(bob, bob, 10, 0)).toBe(0);
  // what ana writes answers eve's messages to bob as little as bob's to eve do
  unanswered.heard(ana, bob);
  unanswered.heard(eve, bob);
  expect(unanswered.waitMs(eve, bob, 10, 0)).toBeGreaterThan(0);
});

test("of many pairs, those are forgotten of which nothing was heard for longest", () => {
  const unanswered = saidAFew(new Unanswered(1), eve, "u0" as Name);
  unanswered.heard(bob, ana);
  for (let i = 0; i < 30_000; i++) unanswered.heard(bob, `u${i}` as Name);
  unanswered.heard(bob, ana);
  for (let i = 30_000; i < 60_000; i++) unanswered.heard(bob, `u${i}` as Name);
  for (let i = 0; i < 9; i++) unanswered.spend(eve, bob, 10, 0);
  expect(unanswered.waitMs(ana, bob, 10, 0)).toBe(0);
  expect(unanswered.waitMs("u0" as Name, bob, 10, 0)).toBeGreaterThan(0);
});
