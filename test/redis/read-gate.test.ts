/** Long reads take turns: few at a time, in their order, each within its time. */
import { expect, test } from "vitest";
import { Unavailable } from "#tertulia/chat/ports.js";
import { ReadGate } from "#tertulia/redis/read-gate.js";

/** A read that ends when it is told to. */
function reads(gate: ReadGate, begun: number[]) {
  const ends: ((how: "well" | "badly") => void)[] = [];
  const read = (which: number): Promise<number> =>
    gate.pass(
      () =>
        new Promise((resolve, reject) => {
          begun.push(which);
          ends.push((how) => (how === "well" ? resolve(which) : reject(new Error("badly"))));
        }),
    );
  return { read, ends };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no more than so many are under way, and the others follow in their order", async () => {
  const begun: number[] = [];
  const { read, ends } = reads(new ReadGate(2, 60_000), begun);
  const all = [1, 2, 3, 4].map(read);
  await turn();
  expect(begun).toEqual([1, 2]);
  ends[1]!("well");
  await turn();
  expect(begun).toEqual([1, 2, 3]);
  ends[0]!("well");
  ends[2]!("well");
  await turn();
  ends[3]!("well");
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4]);
});

test("a read that fails makes room as well", async () => {
  const begun: number[] = [];
  const { read, ends } = reads(new ReadGate(1, 60_000), begun);
  const first = read(1);
  const second = read(2);
  await turn();
  ends[0]!("badly");
  await expect(first).rejects.toThrow("badly");
  await turn();
  ends[1]!("well");
  expect(await second).toBe(2);
  const third = read(3);
  await turn();
  ends[2]!("well");
  expect(await third).toBe(3);
});

test("one whose turn does not come in time is unavailable, and never read", async () => {
  const begun: number[] = [];
  const { read, ends } = reads(new ReadGate(1, -1), begun);
  const first = read(1);
  const late = read(2);
  await turn();
  ends[0]!("well");
  await first;
  await expect(late).rejects.toThrow(Unavailable);
  expect(begun).toEqual([1]);
});
