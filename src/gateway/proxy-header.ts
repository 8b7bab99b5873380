/**
 * The PROXY protocol, versions 1 and 2: the header in which a balancer tells whose connection it passes on. Pure.
 * It is read strictly: what is not exactly a header is no header. Source: HAProxy, doc/proxy-protocol.txt, 2.1 and 2.2.
 */
import { SocketAddress, isIPv4, isIPv6 } from "node:net";

/**
 * none: the connection begins with something else. more: this cannot be said yet. malformed: it begins as a header does
 * and is none. header: `length` bytes; `source` is the client's address, or undefined if the header tells none (LOCAL,
 * UNKNOWN, UNIX sockets): then the connection's own address counts.
 */
export type ProxyHeader =
  | { readonly type: "none" | "more" | "malformed" }
  | { readonly type: "header"; readonly length: number; readonly source: string | undefined };

const NONE: ProxyHeader = { type: "none" };
const MORE: ProxyHeader = { type: "more" };
const MALFORMED: ProxyHeader = { type: "malformed" };

const LINE_START = Buffer.from("PROXY ");
/** With its CRLF. */
const MAX_LINE_BYTES = 107;
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family, length. */
const FIXED_BYTES = 16;
/** Of what follows: addresses, and additions (TLV), which are skipped. A header is meant to fit into 536 bytes. */
const MAX_REST_BYTES = 2_048;

/** Reads the header at the beginning of a connection's first bytes. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsAs(bytes, SIGNATURE)) return binary(bytes);
  if (beginsAs(bytes, LINE_START)) return line(bytes);
  return NONE;
}

/** Whether they agree as far as both go. */
function beginsAs(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function line(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_LINE_BYTES ? MORE : MALFORMED;
  const length = end + 2;
  const words = bytes.toString("latin1", 0, end).split(" ");
  // whatever follows is to be ignored
  if (words[1] === "UNKNOWN") return { type: "header", length, source: undefined };
  const [, family, source = "", destination = "", ...ports] = words;
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isPlainIPv6 : undefined;
  if (isAddress === undefined || !isAddress(source) || !isAddress(destination)) return MALFORMED;
  if (ports.length !== 2 || !ports.every(isPort)) return MALFORMED;
  return { type: "header", length, source };
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function binary(bytes: Buffer): ProxyHeader {
  if (bytes.length < FIXED_BYTES) return MORE;
  const [version, command] = nibbles(bytes[12]!);
  const [family, transport] = nibbles(bytes[13]!);
  const rest = bytes.readUInt16BE(14);
  if (version !== 2 || command > 1 || family > 3 || transport > 2 || rest > MAX_REST_BYTES) {
    return MALFORMED;
  }
  const length = FIXED_BYTES + rest;
  if (bytes.length < length) return MORE;
  const isRelayed = command === 1 && transport === 1;
  switch (isRelayed ? family : 0) {
    case 1: {
      if (rest < 12) return MALFORMED;
      return { type: "header", length, source: [...bytes.subarray(16, 20)].join(".") };
    }
    case 2: {
      if (rest < 36) return MALFORMED;
      return { type: "header", length, source: ipv6(bytes.subarray(16, 32)) };
    }
    default:
      return { type: "header", length, source: undefined };
  }
}

function nibbles(byte: number): [high: number, low: number] {
  return [byte >> 4, byte & 0xf];
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
