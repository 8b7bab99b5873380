/** What a client gets whose request breaks a rule: the table named "abuse" of PROTOCOL.md, connecting. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { node } from "../support/nodes.js";
import { dialled, heardUntilEnd, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url);
});
afterAll(async () => {
  await gateway?.close();
  await redis?.close();
});

async function answerTo(said: string | Buffer, port = gateway.port): Promise<string> {
  return (await heardUntilEnd(await dialled(port, said))).toString("latin1");
}

const KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
const fields = (count: number): string => "X: y\r\n".repeat(count);

/** A request → the status of its answer. */
const REFUSED: readonly (readonly [what: string, request: string, status: number])[] = [
  ["no name in bytes", upgradeRequest("/"), 400],
  ["a name that nobody can have, in JSON", upgradeRequest("/ws?name=%23r"), 400],
  ["no key [abuse:handshake-none]", upgradeRequest("/?name=x").replace(KEY, ""), 400],
  [
    "another version [abuse:handshake-none]",
    upgradeRequest("/?name=x").replace("Version: 13", "Version: 7"),
    400,
  ],
  ["another method [abuse:handshake-none]", upgradeRequest("/?name=x").replace("GET", "POST"), 400],
  [
    "a subprotocol twice [abuse:handshake-none]",
    upgradeRequest("/?name=x", "Sec-WebSocket-Protocol: a, a\r\n"),
    400,
  ],
  [
    "a body behind an upgrade [abuse:handshake-none]",
    `${upgradeRequest("/?name=x", "Content-Length: 1\r\n")}x`,
    400,
  ],
  [
    "a chunked body behind an upgrade [abuse:handshake-none]",
    `${upgradeRequest("/?name=x", "Transfer-Encoding: chunked\r\n")}0\r\n\r\n`,
    400,
  ],
  [
    "only later versions",
    upgradeRequest("/ws", "Sec-WebSocket-Protocol: tertulia.v2.json\r\n"),
    400,
  ],
  [
    "a long first line [abuse:request-line-long]",
    upgradeRequest(`/?name=x&${"y".repeat(8_192)}`),
    414,
  ],
  ["an endless first line [abuse:request-line-long]", `GET /?name=${"x".repeat(9_000)}`, 414],
  ["a NUL in the first line [abuse:request-line-control]", upgradeRequest("/?name=x\0y"), 400],
  ["a tab in the first line [abuse:request-line-control]", upgradeRequest("/?name=x\ty"), 400],
  ["a CR in the first line [abuse:request-line-control]", upgradeRequest("/?name=x\ry"), 400],
  ["a LF in the first line [abuse:request-line-control]", upgradeRequest("/?name=x\ny"), 400],
  ["a DEL in the first line [abuse:request-line-control]", upgradeRequest("/?name=x\x7f"), 400],
  ["LF for CRLF [abuse:request-line-control]", "GET /?name=x HTTP/1.1\nHost: x\n\n", 400],
  ["a LF alone in a field [abuse:head-odd]", upgradeRequest("/?name=x", "X: y\nY: z\r\n"), 400],
  ["a NUL in a field [abuse:head-odd]", upgradeRequest("/?name=x", "X: y\0z\r\n"), 400],
  ["a blank before a colon [abuse:head-odd]", upgradeRequest("/?name=x", "X : y\r\n"), 400],
  ["a field without a colon [abuse:head-odd]", upgradeRequest("/?name=x", "Xyz\r\n"), 400],
  [
    "two lengths [abuse:head-odd]",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
    400,
  ],
  ["another server's page [abuse:request-absolute]", upgradeRequest("http://x/?name=x"), 400],
  ["another server's page, TLS [abuse:request-absolute]", upgradeRequest("HTTPS://x/ws"), 400],
  ["CONNECT [abuse:request-connect]", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 405],
  [
    "the preface of HTTP/2 [abuse:request-no-http]",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    400,
  ],
  ["no HTTP [abuse:request-no-http]", "hello\r\n\r\n", 400],
  ["HTTP/0.9 [abuse:request-no-http]", "GET /\r\n\r\n", 400],
  ["2,000 fields [abuse:head-large]", upgradeRequest("/?name=x", fields(2_000)), 431],
  ["101 fields [abuse:head-large]", upgradeRequest("/?name=x", fields(96)), 431],
  ["a field of 20 kB [abuse:head-large]", upgradeRequest("/", `X: ${"y".repeat(20_000)}\r\n`), 431],
  ["a body [abuse:request-body]", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400],
  [
    "a chunked body [abuse:request-body]",
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  ["no host [abuse:request-host]", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two hosts [abuse:request-host]", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400],
  ["another method, without an upgrade", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405],
  ["an expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", 405],
  ["a path that leads nowhere", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404],
];

test.each(REFUSED)("a request with %s is refused", async (_, request, status) => {
  expect((await answerTo(request)).split(" ", 2)).toEqual(["HTTP/1.1", `${status}`]);
});

test.each(REFUSED.filter(([, , status]) => status === 405))(
  "a refusal of %s says what is allowed",
  async (_, request) => {
    expect(await answerTo(request)).toMatch(/\r\nallow: GET, HEAD\r\n/i);
  },
);

test.each([
  ["HTTP/9.9", "HEAD / HTTP/9.9\r\n\r\n", 400],
  ["another server's page", "HEAD http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["an endless first line", `HEAD /?name=${"x".repeat(9_000)}`, 414],
  ["101 fields", `HEAD / HTTP/1.1\r\n${fields(101)}\r\n`, 431],
  ["a NUL in a field", "HEAD / HTTP/1.1\r\nHost: x\r\nX: y\0z\r\n\r\n", 400],
  ["two hosts", "HEAD / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400],
  ["an upgrade", upgradeRequest("/?name=x").replace("GET", "HEAD"), 400],
])("a refusal of HEAD with %s has no body", async (_, request, status) => {
  const [first, ...rest] = (await answerTo(request)).split("\r\n");
  expect([first!.split(" ", 2), rest.slice(-2)]).toEqual([
    ["HTTP/1.1", `${status}`],
    ["", ""],
  ]);
});

const PROBE = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

test.each([
  ["100 fields", upgradeRequest("/healthz", fields(95)).replace("Upgrade: websocket\r\n", "")],
  ["no slash", "GET ?name=free HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["raw UTF-8 and blanks", "GET /?name=zoë and bo HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["two slashes", "GET //?name=free HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["an address in its name", "GET ?name=http://x HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["a length of nothing", "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"],
  ["an empty line before it", "\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["an upgrade to HTTP/2", upgradeRequest("/healthz").replace("websocket", "h2c")],
  ["HTTP/1.0 and no host", "GET /healthz HTTP/1.0\r\n\r\n"],
])("a request with %s is answered", async (_, request) => {
  expect(await answerTo(request)).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ["more requests", `${PROBE}${PROBE.repeat(1_000)}`],
  ["an upgrade", `${PROBE}${upgradeRequest("/?name=smuggled")}`],
  [
    "an upgrade as a body",
    PROBE.replace("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n") + upgradeRequest("/?name=smuggled"),
  ],
  ["an upgrade behind a refusal", `CONNECT x HTTP/1.1\r\n\r\n${upgradeRequest("/?name=smuggled")}`],
])("behind a request, %s is not read [abuse:request-second]", async (_, said) => {
  const answer = await answerTo(said);
  expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  expect(await answerTo("GET /?name=smuggled HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(
    /\r\n\r\nfree\n$/,
  );
  expect(gateway.log.filter(({ user }) => user === "smuggled")).toEqual([]);
});

test.each([
  ["the page", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200],
  ["a probe", PROBE, 200],
  ["the schema", "GET /tertulia.v1.schema.json HTTP/1.1\r\nHost: x\r\n\r\n", 200],
  ["nothing here", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404],
  ["a refused upgrade", upgradeRequest("/"), 400],
  ["a head that Node's parser refuses", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400],
  ["a first line that is none", "hello\r\n\r\n", 400],
  ["a long head", `GET / HTTP/1.1\r\nX: ${"y".repeat(20_000)}`, 431],
])(
  "every answer is kept by nobody, framed by nobody and of one type: %s",
  async (_, said, status) => {
    const answer = (await answerTo(said)).toLowerCase();
    const [first, ...lines] = answer.slice(0, answer.indexOf("\r\n\r\n")).split("\r\n");
    expect(first).toContain(`http/1.1 ${status} `);
    expect(lines).toEqual(
      expect.arrayContaining([
        "connection: close",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        expect.stringMatching(
          /^content-security-policy: default-src 'none'; .*frame-ancestors 'none'$/,
        ),
      ]),
    );
  },
);

test("a connection that sends no whole request in time is cut [abuse:request-late]", async () => {
  const began = performance.now();
  const slow = ["", "GET /?name=slow", "GET /?name=slow HTTP/1.1\r\nHost: x\r\n"];
  const heard = await Promise.all(slow.map((said) => answerTo(said)));
  expect(heard).toEqual(["", "", ""]);
  expect(performance.now() - began).toBeGreaterThan(4_900);
});
