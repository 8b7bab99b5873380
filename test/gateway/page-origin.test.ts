/** Which pages may connect, and what is no page. PROTOCOL.md, pages. */
import type { IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PageOrigins } from "#tertulia/gateway/page-origin.js";
import { node } from "../support/nodes.js";
import { dialled, heardUntilEnd, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const BROWSER = { "user-agent": "Mozilla/5.0" };
const AWAY = "192.0.2.9";
const HERE = "127.0.0.1";

function allows(
  [origin, host]: readonly [origin: string | undefined, host: string],
  {
    allowed,
    address = AWAY,
    ...more
  }: { allowed?: string; address?: string } & IncomingHttpHeaders = {},
): boolean {
  const pages = new PageOrigins({ allowedOrigins: allowed, machine: "Box" });
  return pages.allows({ ...more, host, ...(origin !== undefined && { origin }) }, address);
}

describe("a browser's page", () => {
  test.each([
    ["of the host that it connects to", "http://chat.example:9000", "chat.example:9000", true],
    ["of that host, by TLS that ends before", "https://chat.example", "chat.example", true],
    ["of that host, on another port", "https://chat.example:8443", "chat.example:9000", true],
    ["of that host, in other letters", "http://chat.example", "CHAT.example", true],
    ["of an address, IPv6", "http://[2001:db8::1]:9000", "[2001:db8::1]:9000", true],
    ["of another name of the loopback", "http://localhost:5173", "127.0.0.1:9000", true],
    ["of another host", "https://evil.example", "chat.example", false],
    ["of a host that ends alike", "https://evilchat.example", "chat.example", false],
    ["of another address", "http://192.0.2.6", "192.0.2.5:9000", false],
    ["of a host without a dot", "http://intranet", "chat.example", false],
    ["in a sandbox, or of a file", "null", "chat.example", false],
    ["of a file", "file://", "chat.example", false],
    ["of an extension", "chrome-extension://abcdef", "abcdef", false],
    ["of an app", "capacitor://localhost", "chat.example", false],
    ["that connects to no host", "https://evil.example", "", false],
    ["that connects to what is no host", "https://evil.example", "evil.example/x@y z", false],
  ])("%s", (_, origin, host, isAllowed) => {
    expect(allows([origin, host], BROWSER)).toBe(isAllowed);
  });

  test("may connect if the operator says so, and then no other but those of nobody's name", () => {
    const allowed = "https://app.example, HTTP://Dev.example:80,capacitor://localhost,null";
    for (const origin of [
      "https://app.example",
      "http://dev.example",
      "capacitor://localhost",
      "null",
    ]) {
      expect(allows([origin, "chat.example"], { allowed, ...BROWSER })).toBe(true);
    }
    for (const [origin, host] of [
      ["https://chat.example", "chat.example"],
      ["http://app.example", "chat.example"],
      ["https://app.example:444", "chat.example"],
    ] as const)
      expect(allows([origin, host], { allowed, ...BROWSER })).toBe(false);
    expect(allows(["http://localhost:1", "localhost"], { allowed, ...BROWSER })).toBe(true);
    expect(allows(["https://any.example", "chat.example"], { allowed: "*", ...BROWSER })).toBe(
      true,
    );
  });
});

test.each([
  ["none", undefined],
  ["null", "null"],
  ["nothing", ""],
  ["a host", "chat.example"],
  ["an address and port", "127.0.0.1:9000"],
  ["a word, as libwebsockets writes it", "http://origin"],
  ["the loopback", "http://localhost"],
  ["an address", "http://192.0.2.5"],
  ["an URL with a path, as Go writes it", "http://chat.example/"],
  ["no URL", "me, myself and I"],
])("a program that is no browser may connect with any Origin: %s", (_, origin) => {
  expect(allows([origin, "192.0.2.7:9000"])).toBe(true);
});

test("an Origin as only browsers have it is a page's, whatever else is sent", () => {
  expect(allows(["https://evil.example", "192.0.2.7:9000"])).toBe(false);
});

describe("a name that leads to this machine's loopback", () => {
  const rebound = ["http://evil.example:9000", "evil.example:9000"] as const;
  test("is nobody's own host, unless the operator says so", () => {
    expect(allows(rebound, { address: HERE, ...BROWSER })).toBe(false);
    expect(allows(rebound, { address: "::1", ...BROWSER })).toBe(false);
    expect(
      allows(rebound, { address: HERE, ...BROWSER, allowed: "http://evil.example:9000" }),
    ).toBe(true);
  });
  test.each([
    ["this machine's", "http://box.local:9000", "box.local:9000", {}],
    ["one without a dot", "http://box:9000", "box:9000", {}],
    ["one behind a proxy that says so", ...rebound, { "x-forwarded-for": "192.0.2.9" }],
    ["one with a certificate", "https://chat.example", "chat.example", {}],
    ["an address", "http://192.168.1.5:9000", "192.168.1.5:9000", {}],
  ])("may be %s", (_, origin, host, more) => {
    expect(allows([origin, host], { address: HERE, ...BROWSER, ...more })).toBe(true);
  });
});

describe("over a socket", () => {
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

  const browser = (origin: string): string => `Origin: ${origin}\r\nUser-Agent: Mozilla/5.0\r\n`;
  const asks: readonly (readonly [string, string, string])[] = [
    ["classic", "/?name=page", ""],
    ["ws-protocol", "/?name=page", "Sec-WebSocket-Protocol: ws-protocol\r\n"],
    ["JSON", "/ws?name=page", ""],
    ["JSON, by its subprotocol", "/", "Sec-WebSocket-Protocol: tertulia.v1.json\r\n"],
  ];

  test.each(asks)(
    "a foreign page gets no session in %s [abuse:page-foreign]",
    async (_, target, more) => {
      const socket = await dialled(
        gateway.port,
        upgradeRequest(target, more + browser("https://evil.example")),
      );
      const answer = (await heardUntilEnd(socket)).toString();
      expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[^]*ALLOWED_ORIGINS/);
      expect(gateway.log.findLast(({ event }) => event === "refused")).toMatchObject({
        status: 403,
        origin: "https://evil.example",
      });
    },
  );

  test.each(asks)(
    "nor one whose name leads here by mistake, in %s [abuse:page-rebound]",
    async (_, target, more) => {
      const request = upgradeRequest(target, more + browser("http://evil.example")).replace(
        "Host: x",
        "Host: evil.example",
      );
      const answer = (await heardUntilEnd(await dialled(gateway.port, request))).toString();
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    },
  );

  test("a cookie is nobody's identity: none is set, and one that is sent changes nothing", async () => {
    const ask = async (more: string): Promise<string> => {
      const socket = await dialled(
        gateway.port,
        `GET /?name=free HTTP/1.1\r\nHost: x\r\n${more}\r\n`,
      );
      return (await heardUntilEnd(socket)).toString().replace(/^Date: .*$/m, "");
    };
    const plain = await ask("");
    expect(plain).not.toMatch(/set-cookie/i);
    expect(await ask("Cookie: name=ana; key=k; session=s; token=t\r\n")).toBe(plain);
    const socket = await dialled(
      gateway.port,
      upgradeRequest("/ws", "Cookie: name=ana; key=k; token=t\r\n"),
    );
    const heard = heardUntilEnd(socket);
    socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    // the handshake and the close: no welcome without a hello
    expect((await heard).toString("latin1").split("\r\n\r\n")[1]).toHaveLength(2);
  });
});
