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
  ["no name [abuse:frame-field]", { type: "hello" }, bad(/^name: /)],
  ["a name that is no string [abuse:frame-field]", { type: "hello", name: 7 }, bad(/^name: /)],
  ["an empty name [abuse:hello-name-length]", { type: "hello", name: "" }, bad(/^name: /)],
  [
    "257 characters [abuse:hello-name-length]",
    { type: "hello", name: "x".repeat(257) },
    bad(/^name: /),
  ],
  ["65 bytes [abuse:hello-bad-name]", { type: "hello", name: "x".repeat(65) }, refused("bad_name")],
  ["everybody [abuse:hello-bad-name]", { type: "hello", name: "~" }, refused("bad_name")],
  ["a room [abuse:hello-bad-name]", { type: "hello", name: "#x" }, refused("bad_name")],
  ["a conversation [abuse:hello-bad-name]", { type: "hello", name: "@x" }, refused("bad_name")],
  [
    "a control character [abuse:hello-bad-name]",
    { type: "hello", name: "a\u0007" },
    refused("bad_name"),
  ],
  [
    "a key of other characters [abuse:hello-field]",
    { type: "hello", name: "ana", key: "a b" },
    bad(/^key: /),
  ],
  [
    "no status [abuse:hello-field]",
    { type: "hello", name: "ana", status: "disconnected" },
    bad(/^status: /),
  ],
  [
    "a long client [abuse:frame-field]",
    { type: "hello", name: "ana", client: "x".repeat(65) },
    bad(/^client: /),
  ],
  [
    "a cursor of a room [abuse:hello-field]",
    { type: "hello", name: "ana", resume: { "#r": ["0", 0] } },
    bad(/^resume/),
  ],
  [
    "half a cursor [abuse:hello-field]",
    { type: "hello", name: "ana", resume: { "~": ["0"] } },
    bad(/^resume/),
  ],
  [
    "a negative cursor [abuse:hello-field]",
    { type: "hello", name: "ana", resume: { "~": ["0", -1] } },
    bad(/^resume/),
  ],
  [
    "a name that is held [abuse:hello-name-held]",
    { type: "hello", name: "bob" },
    refused("name_taken"),
  ],
  [
    "the wrong key [abuse:hello-name-held]",
    { type: "hello", name: "bob", key: "wrong" },
    refused("name_taken"),
  ],
  [
    "a request [abuse:frame-before-hello]",
    { type: "publish", text: "x" },
    refused("unauthenticated"),
  ],
  [
    "cursors that nobody gave [abuse:hello-cursor]",
    { type: "hello", name: "ana", resume: { "~": ["!", 1], "@bob": ["1", 7] } },
    { type: "welcome" },
  ],
];

const LONG = "x".repeat(11);

/** After it. `@gone` has left, `@nobody` never was. */
const REQUESTS: Readonly<Record<string, readonly JsonRow[]>> = {
  hello: [
    ["a second one [abuse:hello-twice]", { type: "hello", name: "ana" }, refused("forbidden")],
  ],
  publish: [
    ["no text [abuse:frame-field]", { type: "publish" }, bad(/^text: /)],
    ["an empty text [abuse:publish-empty]", { type: "publish", text: "" }, refused("empty")],
    [
      "nothing to be seen [abuse:publish-empty]",
      { type: "publish", text: " \u200b" },
      refused("empty"),
    ],
    ["a long text [abuse:publish-too-long]", { type: "publish", text: LONG }, refused("too_large")],
    [
      "to nobody [abuse:publish-nobody]",
      { type: "publish", conv: "@nobody", text: "x" },
      refused("not_found"),
    ],
    [
      "nothing, to nobody [abuse:publish-nobody]",
      { type: "publish", conv: "@nobody", text: "" },
      refused("not_found"),
    ],
    [
      "too long, to nobody [abuse:publish-too-long]",
      { type: "publish", conv: "@nobody", text: LONG },
      refused("too_large"),
    ],
    ["to a room [abuse:frame-room]", { type: "publish", conv: "#room", text: "x" }, bad(/^conv: /)],
    [
      "to a user named everybody [abuse:frame-field]",
      { type: "publish", conv: "@~", text: "x" },
      bad(/^conv: /),
    ],
    [
      "to a user without a name [abuse:frame-field]",
      { type: "publish", conv: "@", text: "x" },
      bad(/^conv: /),
    ],
    [
      "to a name without an @ [abuse:frame-field]",
      { type: "publish", conv: "bob", text: "x" },
      bad(/^conv: /),
    ],
    [
      "to too long a name [abuse:frame-field]",
      { type: "publish", conv: `@${"x".repeat(257)}`, text: "x" },
      bad(/^conv: /),
    ],
    [
      "an id of other characters [abuse:frame-field]",
      { type: "publish", text: "x", mid: "a b" },
      bad(/^mid: /),
    ],
    ["a first text", { type: "publish", text: "one", mid: "m" }, { type: "ok", seq: 1 }],
    [
      "another under its id [abuse:publish-mid-again]",
      { type: "publish", text: "two", mid: "m" },
      refused("mid_conflict"),
    ],
    ["to one who left", { type: "publish", conv: "@gone", text: "x" }, refused("away")],
  ],
  history: [
    [
      "both ends [abuse:history-both]",
      { type: "history", before: 1, after: 1 },
      bad(/^before, after: /),
    ],
    ["none [abuse:history-limit]", { type: "history", limit: 0 }, bad(/^limit: /)],
    ["too many [abuse:history-limit]", { type: "history", limit: 201 }, bad(/^limit: /)],
    ["half a message [abuse:frame-field]", { type: "history", limit: 1.5 }, bad(/^limit: /)],
    ["before there was any [abuse:frame-field]", { type: "history", before: -1 }, bad(/^before: /)],
    [
      "after the last",
      { type: "history", after: 99 },
      { type: "ok", messages: [], head: 1, more: false },
    ],
    [
      "with nobody [abuse:history-nobody]",
      { type: "history", conv: "@nobody" },
      { type: "ok", messages: [], epoch: "0", head: 0, floor: 1 },
    ],
  ],
  user: [
    ["no name [abuse:frame-field]", { type: "user" }, bad(/^user: /)],
    ["nobody [abuse:user-nobody]", { type: "user", user: "nobody" }, refused("not_found")],
    ["everybody [abuse:user-nobody]", { type: "user", user: "~" }, refused("not_found")],
    ["one who left", { type: "user", user: "gone" }, { type: "ok", status: "disconnected" }],
  ],
  status: [
    ["none [abuse:status-none]", { type: "status" }, bad(/^status: /)],
    ["one that is none [abuse:status-none]", { type: "status", status: "away" }, bad(/^status: /)],
    [
      "to be signed out [abuse:status-none]",
      { type: "status", status: "disconnected" },
      bad(/^status: /),
    ],
  ],
  read: [
    ["no number [abuse:frame-field]", { type: "read", conv: "~" }, bad(/^seq: /)],
    ["no conversation [abuse:frame-field]", { type: "read", seq: 1 }, bad(/^conv: /)],
    ["a negative number [abuse:frame-field]", { type: "read", conv: "~", seq: -1 }, bad(/^seq: /)],
    [
      "beyond the newest [abuse:read-beyond]",
      { type: "read", conv: "~", seq: 999 },
      { type: "ok", read: 1, unread: 0 },
    ],
    [
      "back again [abuse:read-back]",
      { type: "read", conv: "~", seq: 0 },
      { type: "ok", read: 1, unread: 0 },
    ],
    [
      "with nobody [abuse:read-nobody]",
      { type: "read", conv: "@nobody", seq: 3 },
      { type: "ok", read: 0, unread: 0 },
    ],
  ],
  typing: [
    ["nowhere [abuse:frame-field]", { type: "typing" }, bad(/^conv: /)],
    ["to nobody [abuse:typing-nobody]", { type: "typing", conv: "@nobody" }, { type: "ok" }],
    [
      "to what is no name [abuse:typing-bad-name]",
      { type: "typing", conv: "@a\u0007" },
      refused("not_found"),
    ],
  ],
  presence: [
    [
      "too many [abuse:presence-too-many]",
      { type: "presence", watch: Array(501).fill("a") },
      bad(/^watch: /),
    ],
    ["no list [abuse:frame-field]", { type: "presence", watch: "bob" }, bad(/^watch: /)],
    ["half an off [abuse:frame-field]", { type: "presence", off: "yes" }, bad(/^off: /)],
    ["nobody", { type: "presence", watch: ["nobody"] }, { type: "ok", full: true }],
    ["no more", { type: "presence", off: true }, { type: "ok" }],
  ],
  ping: [["unknown fields", { type: "ping", more: 1 }, { type: "pong" }]],
  "any type": [
    [
      "an event [abuse:frame-unknown-type]",
      { type: "message", conv: "~", text: "x" },
      refused("unknown_type"),
    ],
    ["an answer [abuse:frame-unknown-type]", { type: "ok" }, refused("unknown_type")],
    ["of the prototype [abuse:frame-unknown-type]", { type: "__proto__" }, refused("unknown_type")],
    ["a number [abuse:frame-no-type]", { type: 7 }, bad(/^type: /)],
    ["none [abuse:frame-no-type]", {}, bad(/^type: /)],
  ],
};

/** Frames as they are: without an id, or with one that is none. */
const FRAMES: readonly JsonRow[] = [
  ["no JSON [abuse:frame-no-json]", "hello", bad(/JSON object/)],
  ["nothing [abuse:frame-no-json]", "", bad(/JSON object/)],
  ["a list [abuse:frame-no-json]", "[1]", bad(/JSON object/)],
  ["a number [abuse:frame-no-json]", "7", bad(/JSON object/)],
  ["null [abuse:frame-no-json]", "null", bad(/JSON object/)],
  ["half an id [abuse:frame-id]", '{"type":"ping","id":1.5}', bad(/^id: /)],
  ["a long id [abuse:frame-id]", `{"type":"ping","id":"${"x".repeat(65)}"}`, bad(/^id: /)],
  ["an id that is null [abuse:frame-id]", '{"type":"ping","id":null}', bad(/^id: /)],
  [
    "a bad id and an unknown type [abuse:frame-unknown-type] [abuse:frame-id]",
    '{"type":"x","id":{}}',
    refused("unknown_type"),
  ],
];

test.each(HELLO)("hello: %s", async (_, request, answer) => {
  expect(await ana.asks(request as object)).toMatchObject(answer);
});

test("cursors that no server can have given are rolled back [abuse:hello-cursor]", async () => {
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

test("a key that comes twice counts as the last one, a binary frame as a text [abuse:frame-key-twice] [abuse:frame-binary]", async () => {
  ana.says('{"type":"x","id":1,"id":2,"type":"ping"}');
  await ana.awaits({ type: "pong", id: 2 });
  const binary = Buffer.from('{"type":"publish","id":3,"text":"a?"}');
  binary[binary.indexOf("?")] = 0xff;
  ana.webSocket.send(binary, { binary: true });
  await ana.awaits({ type: "message", text: "a\ufffd" });
});

test("requests after a bye have no answer [abuse:bye-behind]", async () => {
  const eva = await JsonClient.hello(gateway.port, "eva");
  for (const [id, type] of ["bye", "bye", "ping"].entries()) eva.says({ type, id });
  expect(await eva.closed()).toBe(1000);
  expect(eva.heard.slice(1)).toEqual([{ type: "ok", id: 0 }]);
});
