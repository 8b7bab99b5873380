/** The head of a request, however it is cut into pieces. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { HeadReader } from "#tertulia/gateway/request-head.js";

/** What is read of these pieces: the head and what is behind it, the status of a refusal, or undefined: it goes on. */
function readOf(pieces: readonly Buffer[]): readonly string[] | number | undefined {
  const reader = new HeadReader();
  for (const [i, piece] of pieces.entries()) {
    const read = reader.take(piece);
    if (read === undefined) continue;
    if (read.type === "refused") return read.status;
    const rest = Buffer.concat([read.rest, ...pieces.slice(i + 1)]);
    return [read.bytes.toString("latin1"), rest.toString("latin1")];
  }
  return undefined;
}

test("a head ends at its blank line, with its first line mended and nothing else", () => {
  const behind = "\x81\x80\r\n\r\nGET";
  expect(
    readOf([Buffer.from(`GET ?name=é HTTP/1.1\r\nA: ?b c\r\n\r\n${behind}`, "latin1")]),
  ).toEqual(["GET /?name=%E9 HTTP/1.1\r\nA: ?b c\r\n\r\n", behind]);
});

test("one empty line before a request is no part of it, a second one is refused", () => {
  const request = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
  expect(readOf([Buffer.from(`\r\n${request}`)])).toEqual([request, ""]);
  expect(readOf([Buffer.from("\r"), Buffer.from(`\n${request}`)])).toEqual([request, ""]);
  expect(readOf([Buffer.from(`\r\n\r\n${request}`)])).toBe(400);
  expect(readOf([Buffer.from(`\n${request}`)])).toBe(400);
});

test("an upgrade to anything but WebSocket is not asked for", () => {
  const read = (fields: string): unknown =>
    readOf([Buffer.from(`GET / HTTP/1.1\r\n${fields}\r\n`)]);
  expect(read("Upgrade: h2c\r\nA: b\r\n")).toEqual(["GET / HTTP/1.1\r\nA: b\r\n\r\n", ""]);
  for (const kept of [
    "Upgrade: WebSocket",
    "upgrade: h2c, websocket",
    "Upgrade: \0",
    "Upgrade : h2c",
  ])
    expect(read(`${kept}\r\n`)).toEqual([`GET / HTTP/1.1\r\n${kept}\r\n\r\n`, ""]);
});

test("a head in pieces is read as in one, and what is no head is refused by its first wrong byte", () => {
  const words = [
    "GET ?name=x HTTP/1.1",
    "\r\n",
    "\n",
    "\r",
    "a: b",
    "\0",
    "\r\n\r\n",
    "x".repeat(9_000),
  ];
  const said = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((each) => each.join(""));
  fc.assert(
    fc.property(said, fc.array(fc.nat({ max: 40_000 }), { maxLength: 6 }), (text, cuts) => {
      const bytes = Buffer.from(`\r\nGET / HTTP/1.1\r\n${text}`, "latin1");
      const places = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(readOf(pieces)).toEqual(readOf([bytes]));
    }),
    { numRuns: 2_000 },
  );
});

test("an endless head costs no more than its limit", () => {
  const reader = new HeadReader();
  reader.take(Buffer.from("GET / HTTP/1.1\r\nA: "));
  let taken = 0;
  while (reader.take(Buffer.from("b")) === undefined) taken++;
  expect(taken).toBeLessThan(16_384);
});
