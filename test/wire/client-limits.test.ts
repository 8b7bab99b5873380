/** What the clients know of the schema without importing it is what the schema says. */
import { expect, test } from "vitest";
import { isConv, isKey } from "#tertulia/clients/sdk/argument-checks.js";
import { PAGE } from "#tertulia/clients/sdk/message-sequencer.js";
import { WATCHED_AT_MOST } from "#tertulia/clients/view/derived-effects.js";
import { requests } from "#tertulia/wire/json-schema.js";

const KEYS = ["a", "a".repeat(64), "a".repeat(65), "", "_-Z9", "a b", "é", "a\n", "a."];
const CONVS = ["~", "@ana", "@~", "@", "", "ana", "@~a", "@a b", "#room", "@é", "@a\nb", "~a"];

test("the SDK takes the same texts for keys as the server", () => {
  const isTaken = (key: string): boolean => takes("hello", { name: "ana", key });
  expect(KEYS.map((key) => [key, isKey(key)])).toEqual(KEYS.map((key) => [key, isTaken(key)]));
});

test("the SDK takes the same texts for conversations as the server", () => {
  const isTaken = (conv: string): boolean => takes("history", { conv });
  expect(CONVS.map((conv) => [conv, isConv(conv)])).toEqual(
    CONVS.map((conv) => [conv, isTaken(conv)]),
  );
});

test("a screen watches as many users as the server allows", () => {
  const watch = (count: number): boolean => takes("presence", { watch: Array(count).fill("ana") });
  expect([watch(WATCHED_AT_MOST), watch(WATCHED_AT_MOST + 1)]).toEqual([true, false]);
});

test("the SDK fills holes by the largest page that the server gives", () => {
  const page = (limit: number): boolean => takes("history", { conv: "~", limit });
  expect([page(PAGE), page(PAGE + 1)]).toEqual([true, false]);
});

function takes(type: keyof typeof requests, fields: object): boolean {
  return requests[type].safeParse({ type, id: 1, ...fields }).success;
}
