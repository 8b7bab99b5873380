/** What the compiler refuses of a dialect: combinations with which its clients would hear nothing. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import type { CatchUpTraits, LiveTraits, Traits } from "#tertulia/session/traits.js";
import type { DialectOf } from "#tertulia/wire/dialect.js";
import { dialects } from "../support/dialects.js";

const ana = "ana" as Name;
const json = dialects.json.make();
const classic = dialects.classic.make();

const greets = { requestName: (name: Name) => ({ type: "hello", name, cursors: {} }) as const };
const registers = { requestName: (name: Name) => ({ type: "register", name }) as const };

test("a client that catches up claims its name by a hello, others by a register", () => {
  for (const { make } of Object.values(dialects)) {
    const dialect = make();
    const { type } = dialect.requestName(ana);
    expect(type).toBe(dialect.traits.catchesUp ? "hello" : "register");
  }
});

test("a dialect that a frame leads to has the traits that the session has", () => {
  const bytes = (text: string): number[] => [text.length, ...Buffer.from(text)];
  const bodies = [[], bytes("ana"), [...bytes("~"), ...bytes("elo")], [...bytes("ana"), 0]];
  const seen = new Map<string, Set<string>>();
  for (const [name, { make }] of Object.entries(dialects)) {
    const dialect = make();
    for (let op = 0; op <= 255; op++) {
      for (const body of bodies) {
        for (const isFirst of [true, false]) {
          const next = dialect.decodeRequest(Uint8Array.from([op, ...body]), isFirst).dialect;
          const { nameInRequest, mustGreet } = dialect.traits;
          expect({ ...next.traits, nameInRequest, mustGreet }).toEqual(dialect.traits);
          seen.set(name, (seen.get(name) ?? new Set()).add(next.name));
        }
      }
    }
  }
  expect([...seen.get("classic")!].toSorted()).toEqual(["classic", "ws-protocol"]);
});

// checked by the compiler: each line below an `@ts-expect-error` must not compile
export const catchingUp: DialectOf<CatchUpTraits> = { ...json, ...greets };
export const live: DialectOf<LiveTraits> = { ...classic, ...registers };
// @ts-expect-error it would never hear a notice
export const deaf: DialectOf<CatchUpTraits> = { ...json, ...registers };
// @ts-expect-error it would be told that it has caught up, but nothing was held back
export const hasty: DialectOf<LiveTraits> = { ...classic, ...greets };
// @ts-expect-error what was missed during a resume would be missed for good
export const severed: Traits = { ...json.traits, afterHole: "evict" };
// @ts-expect-error a name that is claimed before the 101 has no cursors
export const nameless: Traits = { ...json.traits, nameInRequest: "claimed" };
