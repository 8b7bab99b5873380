/**
 * What a JSON client gets that breaks a rule: the tables named "abuse" of PROTOCOL.md, JSON. Over a real socket. Too
 * many requests and bad frames are tried in json.test.ts, no hello in liveness.test.ts.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
let ana: JsonClient;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url, { REQUESTS_PER_SECOND: 1_000, TEXT_MAX_CHARS: 10 });
  await JsonClient.hello(gateway.port, "bob", { key: "k" });
  const gone = await JsonClient.hello(gateway.port, "gone");
  gone.says({ type: "bye" });
  await gone.closed();
  ana = await JsonClient.connect(gateway.port);
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

/** The answer has at least these fields. */
type JsonRow = readonly [abuse: string, request: object | string, answer: object];

const bad = (said: RegExp): object => ({
  type: "error",
  code: "bad_frame",
  message: expect.stringMatching(said) as string,
  retryable: false,
});
const refused = (code: string): object => ({ type: "error", code, retryable: false });

/** Before the hello. */
const HELLO: readonly JsonRow[] = [
  ["no name", { type: "hello" }, bad(/^name: /)],
  ["a name that is no string", { type: "hello", name: 7 }, bad(/^name: /)],
  ["an empty name", { type: "hello", name: "" }, bad(/^name: /)],
  ["257 characters", { type: "hello", name: "x".repeat(257) }, bad(/^name: /)],
  ["65 bytes", { type: "hello", name: "x".repeat(65) }, refused("bad_name")],
  ["everybody", { type: "hello", name: "~" }, refused("bad_name")],
  ["a room", { type: "hello", name: "#x" }, refused("bad_name")],
  ["a conversation", { type: "hello", name: "@x" }, refused("bad_name")],
  ["a control character", { type: "hello", name: "a\u0007" }, refused("bad_name")],
  ["a key of other characters", { type: "hello", name: "ana", key: "a b" }, bad(/^key: /)],
  ["no status", { type: "hello", name: "ana", status: "disconnected" }, bad(/^status: /)],
  ["a long client", { type: "hello", name: "ana", client: "x".repeat(65) }, bad(/^client: /)],
  [
    "a cursor of a room",
    { type: "hello", name: "ana", resume: { "#r": ["0", 0] } },
    bad(/^resume/),
  ],
  ["half a cursor", { type: "hello", name: "ana", resume: { "~": ["0"] } }, bad(/^resume/)],
  ["a negative cursor", { type: "hello", name: "ana", resume: { "~": ["0", -1] } }, bad(/^resume/)],
  ["a name that is held", { type: "hello", name: "bob" }, refused("name_taken")],
  ["the wrong key", { type: "hello", name: "bob", key: "wrong" }, refused("name_taken")],
  ["a request", { type: "publish", text: "x" }, refused("unauthenticated")],
  [
    "cursors that nobody gave",
    { type: "hello", name: "ana", resume: { "~": ["!", 1], "@bob": ["1", 7] } },
    { type: "welcome" },
  ],
];

const LONG = "x".repeat(11);

/** After it. `@gone` has left, `@nobody` never was. */
const REQUESTS: Readonly<Record<string, readonly JsonRow[]>> = {
  hello: [["a second one", { type: "hello", name: "ana" }, refused("forbidden")]],
  publish: [
    ["no text", { type: "publish" }, bad(/^text: /)],
    ["an empty text", { type: "publish", text: "" }, refused("empty")],
    ["nothing to be seen", { type: "publish", text: " \u200b" }, refused("empty")],
    ["a long text", { type: "publish", text: LONG }, refused("too_large")],
    ["to nobody", { type: "publish", conv: "@nobody", text: "x" }, refused("not_found")],
    ["nothing, to nobody", { type: "publish", conv: "@nobody", text: "" }, refused("not_found")],
    ["too long, to nobody", { type: "publish", conv: "@nobody", text: LONG }, refused("too_large")],
    ["to a room", { type: "publish", conv: "#room", text: "x" }, bad(/^conv: /)],
    ["to a user named everybody", { type: "publish", conv: "@~", text: "x" }, bad(/^conv: /)],
    ["to a user without a name", { type: "publish", conv: "@", text: "x" }, bad(/^conv: /)],
    ["to a name without an @", { type: "publish", conv: "bob", text: "x" }, bad(/^conv: /)],
    [
      "to too long a name",
      { type: "publish", conv: `@${"x".repeat(257)}`, text: "x" },
      bad(/^conv: /),
    ],
    ["an id of other characters", { type: "publish", text: "x", mid: "a b" }, bad(/^mid: /)],
    ["a first text", { type: "publish", text: "one", mid: "m" }, { type: "ok", seq: 1 }],
    [
      "another under its id",
      { type: "publish", text: "two", mid: "m" },
      { type: "ok", seq: 1, dup: true },
    ],
    ["to one who left", { type: "publish", conv: "@gone", text: "x" }, { type: "ok", seq: 1 }],
  ],
  history: [
    ["both ends", { type: "history", before: 1, after: 1 }, bad(/^before, after: /)],
    ["none", { type: "history", limit: 0 }, bad(/^limit: /)],
    ["too many", { type: "history", limit: 201 }, bad(/^limit: /)],
    ["half a message", { type: "history", limit: 1.5 }, bad(/^limit: /)],
    ["before there was any", { type: "history", before: -1 }, bad(/^before: /)],
    [
      "after the last",
      { type: "history", after: 99 },
      { type: "ok", messages: [], head: 1, more: false },
    ],
    [
      "with nobody",
      { type: "history", conv: "@nobody" },
      { type: "ok", messages: [], epoch: "0", head: 0, floor: 1 },
    ],
  ],
  user: [
    ["no name", { type: "user" }, bad(/^user: /)],
    ["nobody", { type: "user", user: "nobody" }, refused("not_found")],
    ["everybody", { type: "user", user: "~" }, refused("not_found")],
    ["one who left", { type: "user", user: "gone" }, { type: "ok", status: "disconnected" }],
  ],
  status: [
    ["none", { type: "status" }, bad(/^status: /)],
    ["one that is none", { type: "status", status: "away" }, bad(/^status: /)],
    ["to be signed out", { type: "status", status: "disconnected" }, bad(/^status: /)],
  ],
  read: [
    ["no number", { type: "read", conv: "~" }, bad(/^seq: /)],
    ["no conversation", { type: "read", seq: 1 }, bad(/^conv: /)],
    ["a negative number", { type: "read", conv: "~", seq: -1 }, bad(/^seq: /)],
    [
      "beyond the newest",
      { type: "read", conv: "~", seq: 999 },
      { type: "ok", read: 1, unread: 0 },
    ],
    ["back again", { type: "read", conv: "~", seq: 0 }, { type: "ok", read: 1, unread: 0 }],
    ["with nobody", { type: "read", conv: "@nobody", seq: 3 }, { type: "ok", read: 0, unread: 0 }],
  ],
  typing: [
    ["nowhere", { type: "typing" }, bad(/^conv: /)],
    ["to nobody", { type: "typing", conv: "@nobody" }, { type: "ok" }],
    ["to what is no name", { type: "typing", conv: "@a\u0007" }, refused("not_found")],
  ],
  presence: [
    ["too many", { type: "presence", watch: Array(501).fill("a") }, bad(/^watch: /)],
    ["no list", { type: "presence", watch: "bob" }, bad(/^watch: /)],
    ["half an off", { type: "presence", off: "yes" }, bad(/^off: /)],
    ["nobody", { type: "presence", watch: ["nobody"] }, { type: "ok", full: true }],
    ["no more", { type: "presence", off: true }, { type: "ok" }],
  ],
  ping: [["unknown fields", { type: "ping", more: 1 }, { type: "pong" }]],
  "any type": [
    ["an event", { type: "message", conv: "~", text: "x" }, refused("unknown_type")],
    ["an answer", { type: "ok" }, refused("unknown_type")],
    ["of the prototype", { type: "__proto__" }, refused("unknown_type")],
    ["a number", { type: 7 }, bad(/^type: /)],
    ["none", {}, bad(/^type: /)],
  ],
};

/** Frames as they are: without an id, or with one that is none. */
const FRAMES: readonly JsonRow[] = [
  ["no JSON", "hello", bad(/JSON object/)],
  ["nothing", "", bad(/JSON object/)],
  ["a list", "[1]", bad(/JSON object/)],
  ["a number", "7", bad(/JSON object/)],
  ["null", "null", bad(/JSON object/)],
  ["half an id", '{"type":"ping","id":1.5}', bad(/^id: /)],
  ["a long id", `{"type":"ping","id":"${"x".repeat(65)}"}`, bad(/^id: /)],
  ["an id that is null", '{"type":"ping","id":null}', bad(/^id: /)],
  ["a bad id and an unknown type", '{"type":"x","id":{}}', refused("unknown_type")],
];

test.each(HELLO)("hello: %s", async (_, request, answer) => {
  expect(await ana.asks(request as object)).toMatchObject(answer);
});

test("cursors that no server can have given are rolled back", async () => {
  await ana.hears({ type: "gap", conv: "~", reason: "rolled_back" });
  await ana.hears({ type: "gap", conv: "@bob", reason: "rolled_back" });
});

for (const [message, rows] of Object.entries(REQUESTS)) {
  test.each(rows)(`${message}: %s`, async (_, request, answer) => {
    expect(await ana.asks(request as object)).toMatchObject(answer);
  });
}

test.each(FRAMES)("a frame: %s", async (_, text, answer) => {
  const from = ana.heard.length;
  ana.says(text);
  expect(await ana.asks({ type: "ping" })).toMatchObject({ type: "pong" });
  const [error] = ana.heard.slice(from);
  expect(error).toMatchObject(answer);
  expect(error).not.toHaveProperty("id");
});

test("a key that comes twice counts as the last one, a binary frame as a text", async () => {
  ana.says('{"type":"x","id":1,"id":2,"type":"ping"}');
  await ana.awaits({ type: "pong", id: 2 });
  const binary = Buffer.from('{"type":"publish","id":3,"text":"a?"}');
  binary[binary.indexOf("?")] = 0xff;
  ana.webSocket.send(binary, { binary: true });
  await ana.awaits({ type: "message", text: "a\ufffd" });
});

test("requests after a bye have no answer", async () => {
  const eva = await JsonClient.hello(gateway.port, "eva");
  for (const [id, type] of ["bye", "bye", "ping"].entries()) eva.says({ type, id });
  expect(await eva.closed()).toBe(1000);
  expect(eva.heard.slice(1)).toEqual([{ type: "ok", id: 0 }]);
});
