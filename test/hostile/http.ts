/** Requests before a WebSocket, and instead of one. */
import type { Chapter, HostileCase } from "./hostile-case.js";
import { proxyV2 } from "../support/proxy-header.js";
import { upgradeRequest } from "../support/raw-socket.js";
import type { World } from "./world.js";

const END = "\r\n\r\n";
/** In which a balancer says that it passes on a connection of 192.0.2.7. */
const PROXY_V2 = proxyV2(0x21, 0x11, [192, 0, 2, 7, 192, 0, 2, 1, 0, 1, 0, 2]).toString("latin1");
const HALF_OPEN = 500;

/** The statuses of all answers to these bytes, when the connection has ended. */
function answers(bytes: string | ((name: string) => string)): HostileCase["seen"] {
  return async (world) => {
    const rogue = await world.rogue();
    rogue.write(Buffer.from(typeof bytes === "string" ? bytes : bytes(world.newName()), "latin1"));
    rogue.socket.end();
    return rogue.statuses();
  };
}

/** The status of an upgrade. */
function upgrade(target: (name: string) => string, more = "", host = "x"): HostileCase["seen"] {
  return async (world) => {
    const rogue = await world.rogue();
    const request = upgradeRequest(target(world.newName()), more).replace(
      "Host: x",
      `Host: ${host}`,
    );
    rogue.write(Buffer.from(request, "latin1"));
    const status = await rogue.status();
    rogue.destroy();
    return status;
  };
}

const named = (name: string): string => `/?name=${name}`;
const get = (target: string, more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

/** A client that never ends what it began, so many times; said is how all of them ended. */
function abandoned(count: number, begun: string): HostileCase["seen"] {
  return async (world) => {
    const rogues = await Promise.all(Array.from({ length: count }, () => world.rogue()));
    for (const rogue of rogues) rogue.write(begun);
    const all = await Promise.all(rogues.map((rogue) => rogue.statuses()));
    return [...new Set(all)].join(" or ");
  };
}

/** One byte every half second, until the connection ends. */
function slowly(bytes: string): HostileCase["seen"] {
  return async (world: World) => {
    const rogue = await world.rogue();
    let at = 0;
    const timer = setInterval(() => rogue.write(bytes[at++ % bytes.length]!), 500);
    await rogue.ended();
    clearInterval(timer);
    return rogue.statuses();
  };
}

export const http: Chapter = {
  title: "HTTP",
  cases: [
    { sent: "2,000 headers", expected: "431", seen: upgrade(named, "x: y\r\n".repeat(2_000)) },
    {
      sent: "a header of 20 kB",
      expected: "431",
      seen: upgrade(named, `x: ${"y".repeat(20_480)}\r\n`),
    },
    {
      sent: "a first line of 9,000 bytes",
      expected: "414",
      seen: upgrade((name) => `/${"x".repeat(9_000)}?name=${name}`),
    },
    {
      sent: "100 kB without the end of a line",
      expected: "414",
      seen: answers("x".repeat(102_400)),
    },
    { sent: "the path `//`", expected: "101", seen: upgrade((name) => `//?name=${name}`) },
    { sent: "`%00` in a name", expected: "400", seen: upgrade((name) => `/?name=${name}%00`) },
    {
      sent: "half an escape, `%E0%A4%A`, in a name",
      expected: "101",
      seen: upgrade((name) => `/?name=${name}%E0%A4%A`),
    },
    { sent: "no name", expected: "400", seen: upgrade(() => "/?name=") },
    {
      sent: "1,000 names",
      expected: "101",
      seen: upgrade((name) => `/?${`name=${name}&`.repeat(300)}`),
    },
    {
      sent: "NUL in the first line",
      expected: "400",
      seen: upgrade((name) => `/\0?name=${name}`),
    },
    {
      sent: "a bare LF in the first line",
      expected: "400",
      seen: upgrade((name) => `/?name=${name}\n`),
    },
    {
      sent: "lines that end in LF alone",
      expected: "400",
      seen: answers((name) => get(named(name)).replaceAll("\r\n", "\n")),
    },
    {
      sent: "an https:// target",
      expected: "400",
      seen: upgrade((name) => `https://evil.example/?name=${name}`),
    },
    {
      sent: "two requests in one write",
      expected: "200",
      seen: answers((name) => get(named(name)) + get("/healthz")),
    },
    {
      sent: "a request behind an upgrade",
      expected: "101",
      seen: answers((name) => upgradeRequest(named(name)) + get("/healthz")),
    },
    {
      sent: "a request smuggled in the body of an upgrade (Content-Length)",
      expected: "400",
      seen: answers(
        (name) => upgradeRequest(named(name), "Content-Length: 40\r\n") + get("/healthz"),
      ),
    },
    {
      sent: "Content-Length and Transfer-Encoding at once",
      expected: "400",
      seen: answers(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked${END}0\r\n\r\n${get("/healthz")}`,
      ),
    },
    {
      sent: "two Content-Length",
      expected: "400",
      seen: answers(get("/", "Content-Length: 0\r\nContent-Length: 5\r\n")),
    },
    {
      sent: "a chunk of 2^64 bytes",
      expected: "405",
      seen: answers(
        `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked${END}FFFFFFFFFFFFFFFF1\r\n`,
      ),
    },
    { sent: "a folded header", expected: "400", seen: answers(get("/", "a: b\r\n c\r\n")) },
    { sent: "NUL in a header", expected: "400", seen: answers(get("/", "a: \0\r\n")) },
    { sent: "a blank before the colon", expected: "400", seen: answers(get("/", "a : b\r\n")) },
    {
      sent: "two Host",
      expected: "400",
      seen: answers(get("/healthz", "Host: y\r\n")),
    },
    { sent: "no Host", expected: "400", seen: answers(`GET /healthz HTTP/1.1${END}`) },
    { sent: "HTTP/0.9", expected: "400", seen: answers("GET /\r\n\r\n") },
    { sent: "HTTP/9.9", expected: "400", seen: answers(`GET / HTTP/9.9${END}`) },
    {
      sent: "the preface of HTTP/2",
      expected: "400",
      seen: answers(`PRI * HTTP/2.0${END}SM${END}`),
    },
    {
      sent: "a TLS hello",
      expected: "cut",
      seen: answers("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00FC\u0003\u0003"),
    },
    {
      sent: "CONNECT",
      expected: "405",
      seen: answers(`CONNECT evil.example:443 HTTP/1.1\r\nHost: x${END}`),
    },
    { sent: "TRACE", expected: "405", seen: answers(`TRACE / HTTP/1.1\r\nHost: x${END}`) },
    { sent: "OPTIONS *", expected: "405", seen: answers(`OPTIONS * HTTP/1.1\r\nHost: x${END}`) },
    {
      sent: "a path out of the site, `/../../etc/passwd`",
      expected: "404",
      seen: answers(get("/../../etc/passwd")),
    },
    {
      sent: "an upgrade to something else",
      expected: "200",
      seen: answers(get("/", "Upgrade: h2c\r\nConnection: Upgrade\r\n")),
    },
    {
      sent: "an upgrade with two keys",
      expected: "400",
      seen: upgrade(named, "Sec-WebSocket-Key: BBBBBBBBBBBBBBBBBBBBBA==\r\n"),
    },
    {
      sent: "the `Origin` of a foreign page",
      expected: "403",
      seen: upgrade(() => "/ws", "Origin: https://evil.example\r\n", "localhost:9000"),
    },
    {
      sent: "a foreign page whose name was made to point here (DNS rebinding)",
      expected: "403",
      seen: upgrade(() => "/ws", "Origin: http://evil.example\r\n", "evil.example"),
    },
    {
      sent: "the header of a proxy (PROXY protocol, version 1) by a stranger",
      expected: "400",
      seen: answers((name) => `PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n${get(named(name))}`),
    },
    {
      sent: "the same, version 2",
      expected: "400",
      seen: answers((name) => `${PROXY_V2}${get(named(name))}`),
    },
    {
      sent: "a line, one byte every half second",
      expected: "cut",
      isSlow: true,
      seen: slowly(`GET /${"x".repeat(99)}`),
    },
    {
      sent: "headers, one byte every half second",
      expected: "cut",
      isSlow: true,
      seen: async (world) => {
        const rogue = await world.rogue();
        rogue.write("GET / HTTP/1.1\r\nHost: x\r\nx: ");
        const timer = setInterval(() => rogue.write("y"), 500);
        const status = await rogue.statuses();
        clearInterval(timer);
        return status;
      },
    },
    {
      sent: `${HALF_OPEN} upgrades that never end`,
      expected: "cut",
      isSlow: true,
      seen: abandoned(HALF_OPEN, upgradeRequest("/?name=half").slice(0, -2)),
    },
    {
      sent: `${HALF_OPEN} connections that never speak`,
      expected: "cut",
      isSlow: true,
      seen: abandoned(HALF_OPEN, ""),
    },
    {
      sent: "an upgrade in JSON without a hello",
      expected: "closed with 4408",
      isSlow: true,
      seen: async (world) => {
        const rogue = await world.rogue();
        await rogue.upgrade("/ws");
        await rogue.heard(({ opcode }) => opcode === 8);
        return rogue.fate();
      },
    },
    {
      sent: "an upgrade in ws-protocol without a name",
      expected: "closed with 4408",
      isSlow: true,
      seen: async (world) => {
        const rogue = await world.rogue();
        await rogue.upgrade("/", "Sec-WebSocket-Protocol: ws-protocol\r\n");
        await rogue.heard(({ opcode }) => opcode === 8);
        return rogue.fate();
      },
    },
  ],
};
