/** Admission: who is let in when many connect at once, in which order, and who is not. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Admission } from "#tertulia/gateway/admission.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whom it lets in, in order; those it does not are noted with a minus. */
class Crowd {
  readonly admission: Admission;
  readonly heard: string[] = [];
  readonly gone = new Set<string>();

  constructor(perSecond: number, maxWaitS?: number) {
    this.admission = new Admission(perSecond, maxWaitS);
  }

  comes(...names: string[]): void {
    for (const name of names) {
      const address = name[0]!;
      const turn = this.admission.enter(address, () => this.gone.has(name));
      const note = (isIn: boolean): void => void this.heard.push(isIn ? name : `-${name}`);
      if (turn === true) note(true);
      else void turn.then(note);
    }
  }

  async hears(ms: number): Promise<string[]> {
    await vi.advanceTimersByTimeAsync(ms);
    return this.heard.splice(0);
  }
}

test("after a quiet time a fifth of a second's worth is let in at once, the others one after the other", async () => {
  const crowd = new Crowd(10);
  crowd.comes("a1", "a2", "a3", "a4", "a5");
  expect(await crowd.hears(0)).toEqual(["a1", "a2"]);
  expect(await crowd.hears(100)).toEqual(["a3"]);
  expect(await crowd.hears(200)).toEqual(["a4", "a5"]);
  crowd.comes("a6");
  expect(await crowd.hears(0)).toEqual([]);
  expect(await crowd.hears(100)).toEqual(["a6"]);
});

test("each address has its turn, in the order in which they came", async () => {
  const crowd = new Crowd(5);
  crowd.comes("a0", "a1", "a2", "a3", "b1", "b2", "c1");
  expect(await crowd.hears(0)).toEqual(["a0"]);
  expect(await crowd.hears(1_200)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
});

test("who has hung up takes nobody's turn", async () => {
  const crowd = new Crowd(5);
  crowd.comes("a0", "a1", "a2", "a3");
  crowd.gone.add("a1").add("a2");
  expect(await crowd.hears(200)).toEqual(["a0", "a3"]);
});

test("nobody waits for more than five seconds: of the address with the most, the last one is refused", async () => {
  const crowd = new Crowd(1);
  crowd.comes("a0", "a1", "a2", "a3", "a4", "b1", "c1");
  expect(await crowd.hears(0)).toEqual(["a0", "-a4"]);
  await vi.advanceTimersByTimeAsync(100);
  crowd.gone.add("a3");
  crowd.comes("a5"); // for one that has hung up
  expect(await crowd.hears(0)).toEqual([]);
  expect(await crowd.hears(5_000)).toEqual(["a1", "b1", "c1", "a2", "a5"]);
});

test("when it closes, nobody waits any longer", async () => {
  const crowd = new Crowd(1);
  crowd.comes("a0", "a1", "b1");
  crowd.admission.close();
  expect(await crowd.hears(10_000)).toEqual(["a0", "-a1", "-b1"]);
});

test("among addresses of which equally many wait, the newcomer is refused", async () => {
  const crowd = new Crowd(1, 3);
  crowd.comes("a0", "a1", "b1", "c1", "d1", "e1", "a2");
  expect(await crowd.hears(0)).toEqual(["a0", "-d1", "-e1", "-a2"]);
  expect(await crowd.hears(3_000)).toEqual(["a1", "b1", "c1"]);
});

test("a crowd that is full does not ask everybody for each newcomer whether they are still there", async () => {
  const admission = new Admission(500);
  let asked = 0;
  const isGone = (): boolean => {
    asked++;
    return false;
  };
  for (let i = 0; i < 4_000; i++) void admission.enter(`address ${i}`, isGone);
  expect(asked).toBeLessThan(5_000); // 2,500 wait, and 1,400 find no room
  admission.close();
});

test("whoever comes after it has closed is let in in its turn", async () => {
  const crowd = new Crowd(1);
  crowd.comes("a0", "a1");
  crowd.admission.close();
  crowd.comes("a2", "a3");
  expect(await crowd.hears(2_000)).toEqual(["a0", "-a1", "a2", "a3"]);
});
