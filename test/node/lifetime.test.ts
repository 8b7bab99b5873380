/** The lifetime of parts: started in order, stopped in reverse, whatever happens in between. */
import { expect, test } from "vitest";
import { Lifetime, type Part } from "#tertulia/node/lifetime.js";

const NEVER = new AbortController().signal;

/** Parts that write down what is done to them, and a lifetime that writes down what it logs. */
function world() {
  const done: string[] = [];
  const part = (name: string, override: Partial<Part> = {}): Part => ({
    name,
    start: () => void done.push(`start ${name}`),
    stop: () => void done.push(`stop ${name}`),
    ...override,
  });
  const warn = (fields: { part: string; err: Error }): void => {
    done.push(`${fields.part}: ${fields.err.message}`);
  };
  return { done, part, lifetime: new Lifetime({ warn } as never) };
}

test("parts are started in order and stopped in reverse, once", async () => {
  const { done, part, lifetime } = world();
  await lifetime.start([part("a"), part("b"), { name: "without either" }, part("c")], NEVER);
  expect(done.splice(0)).toEqual(["start a", "start b", "start c"]);
  await Promise.all([lifetime.stop(), lifetime.stop(), lifetime[Symbol.asyncDispose]()]);
  expect(done).toEqual(["stop c", "stop b", "stop a"]);
});

test("a part that cannot start is stopped as well, and those behind it are never started", async () => {
  const { done, part, lifetime } = world();
  const b = part("b", { start: () => Promise.reject(new Error("no")) });
  await expect(lifetime.start([part("a"), b, part("c")], NEVER)).rejects.toThrow("no");
  expect(done).toEqual(["start a", "stop b", "stop a"]);
});

test("a part that cannot be stopped is logged, and keeps no other from being stopped", async () => {
  const { done, part, lifetime } = world();
  const b = part("b", { stop: () => Promise.reject(new Error("stuck")) });
  await lifetime.start([part("a"), b, part("c")], NEVER);
  await lifetime.stop();
  expect(done.slice(3)).toEqual(["stop c", "b: stuck", "stop a"]);
});

test("a start that is given up does not wait for the part that is starting, and tells it so", async () => {
  const { done, part, lifetime } = world();
  const giveUp = new AbortController();
  let started: Promise<void> | undefined;
  const begun = new Promise<AbortSignal>((begin) => {
    const b = part("b", { start: (signal) => new Promise(() => begin(signal)) });
    started = lifetime.start([part("a"), b, part("c")], giveUp.signal);
  });
  const told = await begun;
  giveUp.abort(new Error("given up"));
  await expect(started).rejects.toThrow("given up");
  expect(told.aborted).toBe(true);
  expect(done).toEqual(["start a", "stop b", "stop a"]);
});

test("a start that was given up before is not begun", async () => {
  const { done, part, lifetime } = world();
  const given = AbortSignal.abort(new Error("given up"));
  await expect(lifetime.start([part("a")], given)).rejects.toThrow("given up");
  expect(done).toEqual([]);
});

test("a part that is still starting is told to end after a failed start", async () => {
  const { part, lifetime } = world();
  let told: AbortSignal | undefined;
  const a = part("a", { start: (signal) => void (told = signal) });
  const b = part("b", { start: () => Promise.reject(new Error("no")) });
  await expect(lifetime.start([a, b], NEVER)).rejects.toThrow("no");
  expect(told?.aborted).toBe(true);
});
