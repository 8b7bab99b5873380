/** Messages to everybody that are stored at the same time: so many, and no more. */
import { afterEach, expect, test } from "vitest";
import { connection } from "./implementation.js";
import { History } from "./run-history.js";

const MOST = 64;

let history: History;

afterEach(() => history.end());

/** A client that has its name, in a node that takes so many requests in a second. */
async function connected(words: string): Promise<void> {
  history = new History(connection);
  for (const line of [`connect classic ?name=ana ${words}`, "= claim new", "+25ms"]) {
    await history.step(line);
  }
}

function asked(): number {
  return history.gateway.stores.pending.filter(({ kind }) => kind === "append").length;
}

test("if no answer comes, 64 are asked of the store; those behind wait, and then the client is not read from", async () => {
  await connected("rate=1000");
  await history.step(`${MOST + 30}x < 4 "~" "elo"`);
  expect(asked()).toBe(MOST);
  expect(history.transcript.toString()).not.toContain("reads no more");
  await history.step('35x < 4 "~" "elo"');
  expect(history.transcript.toString()).toContain("reads no more");
  expect(asked()).toBe(MOST);
  await history.step("= append 1");
  expect(asked()).toBe(MOST);
});

test("without a token, messages wait until there is one, however many come", async () => {
  await connected("rate=1");
  await history.step('100x < 4 "~" "elo"');
  expect(asked()).toBe(2);
  for (let seq = 1; seq <= 2; seq++) await history.step(`= append ${seq}`);
  for (let seq = 3; seq < 20; seq++) {
    expect(asked()).toBe(0);
    await history.step("+1s");
    expect(asked()).toBe(1);
    await history.step(`= append ${seq}`);
  }
});
