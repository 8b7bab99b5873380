/** What the compiler refuses of a dialect: combinations with which its clients would hear nothing. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import type { CatchUpTraits, LiveTraits, Traits } from "#tertulia/session/traits.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import type { Dialect, DialectOf } from "#tertulia/wire/dialect.js";
import { jsonDialect } from "#tertulia/wire/json-dialect.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";

const ana = "ana" as Name;
const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);
const classic = classicDialect(options, wsProtocol);
const json = jsonDialect({ node: "", textMaxChars: 1, maxFrameBytes: 1, requestsPerSecond: 1 });

const greets = { requestName: (name: Name) => ({ type: "hello", name, cursors: {} }) as const };
const registers = { requestName: (name: Name) => ({ type: "register", name }) as const };

test("a client that catches up claims its name by a hello, others by a register", () => {
  const dialects: readonly Dialect[] = [classic, wsProtocol, json];
  for (const dialect of dialects) {
    const { type } = dialect.requestName(ana);
    expect(type).toBe(dialect.traits.catchesUp ? "hello" : "register");
  }
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
