/** The PROXY protocol as tables of bytes. Source: HAProxy, doc/proxy-protocol.txt, 2.1 and 2.2. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProxyHeader } from "#tertulia/gateway/proxy-header.js";
import { proxyV2 } from "../support/proxy-header.js";

const V4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 4, 1, 0xbb];
const V6 = [0x20, 1, 0xd, 0xb8, ...zeros(11), 7, 0x20, 1, 0xd, 0xb8, ...zeros(11), 1, 1, 2, 3, 4];

test.each([
  ["PROXY TCP4 192.0.2.7 198.51.100.1 56324 443", "192.0.2.7"],
  ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535", "255.255.255.255"],
  ["PROXY TCP6 2001:db8::7 2001:db8::1 56324 0", "2001:db8::7"],
  ["PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2", "2001:DB8:0:0:0:0:0:7"],
  ["PROXY UNKNOWN", undefined],
  ["PROXY UNKNOWN 192.0.2.7 anything at all", undefined],
])("a line: %s", (line, source) => {
  const bytes = Buffer.from(`${line}\r\nGET / HTTP/1.1\r\n`);
  expect(parseProxyHeader(bytes)).toEqual({ type: "header", length: line.length + 2, source });
});

test.each([
  "PROXY",
  "PROXY TCP4",
  "PROXY TCP5 192.0.2.7 198.51.100.1 1 2",
  "PROXY tcp4 192.0.2.7 198.51.100.1 1 2",
  "PROXY TCP4 192.0.2.7 198.51.100.1 1",
  "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3",
  "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 HTTP/1.1",
  "PROXY TCP4 192.0.2.7  198.51.100.1 1 2",
  "PROXY TCP4 192.0.2.07 198.51.100.1 1 2",
  "PROXY TCP4 192.0.2.256 198.51.100.1 1 2",
  "PROXY TCP4 192.0.2.7 2001:db8::1 1 2",
  "PROXY TCP4 2001:db8::7 2001:db8::1 1 2",
  "PROXY TCP6 192.0.2.7 198.51.100.1 1 2",
  "PROXY TCP6 fe80::1%eth0 ::1 1 2",
  "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2",
  "PROXY TCP4 192.0.2.7 198.51.100.1 01 2",
  "PROXY TCP4 192.0.2.7 198.51.100.1 -1 2",
  "PROXY UNKNOWNS",
  `PROXY UNKNOWN ${"x".repeat(100)}`,
])("no line: %s", (line) => {
  const bytes = Buffer.from(`${line}\r\nGET / HTTP/1.1\r\n`);
  const isNone = !line.startsWith("PROXY ");
  expect(parseProxyHeader(bytes)).toEqual({ type: isNone ? "none" : "malformed" });
});

test.each([
  ["TCP over IPv4", proxyV2(0x21, 0x11, V4), "192.0.2.7"],
  ["TCP over IPv6", proxyV2(0x21, 0x21, V6), "2001:db8::7"],
  ["with additions", proxyV2(0x21, 0x11, [...V4, 4, 0, 2, 1, 1]), "192.0.2.7"],
  ["LOCAL", proxyV2(0x20, 0, []), undefined],
  ["LOCAL, whatever it tells", proxyV2(0x20, 0x11, V4), undefined],
  ["of an unknown protocol", proxyV2(0x21, 0, [1, 2, 3]), undefined],
  ["UDP over IPv4", proxyV2(0x21, 0x12, V4), undefined],
  ["UNIX", proxyV2(0x21, 0x31, zeros(216)), undefined],
])("a binary header, %s", (_, header, source) => {
  const bytes = Buffer.concat([header, Buffer.from("GET / HTTP/1.1\r\n")]);
  expect(parseProxyHeader(bytes)).toEqual({ type: "header", length: header.length, source });
});

test.each([
  ["version 1", proxyV2(0x11, 0x11, V4)],
  ["version 3", proxyV2(0x31, 0x11, V4)],
  ["another command", proxyV2(0x22, 0x11, V4)],
  ["another family", proxyV2(0x21, 0x41, V4)],
  ["another transport", proxyV2(0x21, 0x13, V4)],
  ["half an address of IPv4", proxyV2(0x21, 0x11, V4.slice(1))],
  ["half an address of IPv6", proxyV2(0x21, 0x21, V6.slice(1))],
  ["too long", proxyV2(0x21, 0x11, zeros(2_049))],
])("no binary header: %s", (_, bytes) => {
  expect(parseProxyHeader(bytes)).toEqual({ type: "malformed" });
});

test("a header is recognised at its last byte and not before, in chunks of any size", () => {
  const headers = [
    Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"),
    Buffer.from("PROXY UNKNOWN\r\n"),
    proxyV2(0x21, 0x21, V6),
    proxyV2(0x20, 0, []),
  ];
  for (const header of headers) {
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ type: "more" });
    }
    expect(parseProxyHeader(header)).toMatchObject({ type: "header", length: header.length });
  }
});

test("a request is told from a header at the first byte that differs", () => {
  const starts = ["GET / HTTP/1.1\r\n", "POST / HTTP/1.1", "PROXZ", "\r\n\r\nGET", "\u0016\u0003"];
  for (const start of starts)
    expect(parseProxyHeader(Buffer.from(start))).toEqual({ type: "none" });
});

test("whatever the bytes, it decides within 2,064 of them and takes no more than there are", () => {
  const starts = [proxyV2(0x21, 0x11, V4), Buffer.from("PROXY "), Buffer.alloc(0)];
  const any = fc.tuple(fc.constantFrom(...starts), fc.nat(16), fc.uint8Array({ maxLength: 2_100 }));
  fc.assert(
    fc.property(any, ([start, cut, rest]) => {
      const bytes = Buffer.concat([start.subarray(0, cut), rest]);
      const found = parseProxyHeader(bytes);
      if (bytes.length >= 2_064) expect(found.type).not.toBe("more");
      if (found.type === "header") expect(found.length).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2_000 },
  );
});

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}
