/** Turns: the order in which connections take their frames. */
import { expect, test } from "vitest";
import { Turns, type Taker } from "#tertulia/gateway/turns.js";

/** Connections with so many frames each. Whose frames were taken, round by round. */
function roundsOf(frames: Readonly<Record<string, number>>): string[][] {
  const rounds: string[][] = [[]];
  const later: (() => void)[] = [];
  const turns = new Turns((run) => void later.push(run));
  const takers = Object.entries(frames).map(([name, count]): Taker => {
    let left = count;
    const taker: Taker = {
      round: 0,
      taken: 0,
      look() {
        while (left > 0 && turns.mayTake(taker)) {
          left--;
          rounds.at(-1)!.push(name);
        }
      },
    };
    return taker;
  });
  for (const taker of takers) taker.look();
  for (let run = later.shift(); run !== undefined; run = later.shift()) {
    rounds.push([]);
    run();
  }
  return rounds.filter(({ length }) => length > 0);
}

test("one that is alone takes eight, and the event loop goes on in between", () => {
  expect(roundsOf({ a: 20 }).map(({ length }) => length)).toEqual([8, 8, 4]);
});

test("whoever has few waits for one turn of another that has many", () => {
  const rounds = roundsOf({ flood: 1_000, a: 1, b: 3 });
  expect(rounds[0]).toEqual([...Array<string>(8).fill("flood"), "a", "b", "b", "b"]);
  expect(rounds).toHaveLength(125);
});

test("among many, each takes as many as the others, and none is left out", () => {
  const rounds = roundsOf(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`c${i}`, 40])));
  for (const round of rounds) expect(round.length).toBeLessThanOrEqual(64);
  const taken = new Map<string, number>();
  for (const each of rounds.flat()) {
    taken.set(each, (taken.get(each) ?? 0) + 1);
    const counts = [...taken.values()];
    // somebody who has not had a first turn has none; otherwise they are never two turns apart
    if (counts.length === 50)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(16);
  }
  expect([...taken.values()]).toEqual(Array(50).fill(40));
});
