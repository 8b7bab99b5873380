/** Holds where internals of libraries are used: ARCHITECTURE.md, libraries' internals. */
import { expect, test } from "vitest";
import { internalsIn, internalsOfRedis } from "./support/internals.js";
import { parse, parseSources } from "./support/syntax.js";

/** All uses there are. A new one goes into one of these two files, and into the table of ARCHITECTURE.md. */
const KNOWN = [
  "gateway/library-internals.ts Reflect.get",
  "gateway/library-internals.ts removeAllListeners",
  "redis/library-internals.ts connector",
  "redis/library-internals.ts stream",
  // a code of an error that may be anything, no library's
  "observe.ts Reflect.get",
];
/** Only these have objects of ioredis. */
const WITH_REDIS = /^(?:redis|doctor|local-redis|node)\//;

test("what libraries keep for themselves is used in the two files that say so, and nowhere else", async () => {
  const internal = await internalsOfRedis();
  expect([...internal]).toEqual(expect.arrayContaining(["stream", "connector"]));
  const sources = (await parseSources(["src"])).filter(({ name }) => !name.startsWith("clients/"));
  const found = sources.flatMap((source) =>
    internalsIn(source, WITH_REDIS.test(source.name) ? internal : new Set()),
  );
  expect([...new Set(found)].toSorted()).toEqual(KNOWN.toSorted());
});

test("the reader sees members, patterns and reflection", () => {
  const text = `
    redis.stream.end();
    const { connector, status } = redis;
    socket["_handle"];
    Reflect.get(webSocket, field);
    socket.removeAllListeners("end");
    this.#stream = stream;`;
  const found = internalsIn(parse("a.ts", text), new Set(["stream", "connector"]));
  expect(found).toEqual(
    ["stream", "connector", "_handle", "Reflect.get", "removeAllListeners"].map(
      (each) => `a.ts ${each}`,
    ),
  );
});
