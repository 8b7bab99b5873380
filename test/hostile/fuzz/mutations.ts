/** What is wrong with them: small changes of what a client would say, on each of its layers. */
import type { Random } from "#verifier/random.js";

const ODD_BYTES = [0, 1, 10, 13, 32, 127, 128, 254, 255];
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  "",
  " ",
  "~",
  "@",
  "@@",
  "\ud800",
  "\0",
  [],
  {},
  [[]],
  { __proto__: null },
  "x".repeat(5_000),
  ["a", ["b"]],
];
const ODD_HEADERS = [
  "Content-Length: 5",
  "Content-Length: -1",
  "Transfer-Encoding: chunked",
  "Host: other",
  "Origin: https://evil.example",
  "Sec-WebSocket-Version: 7",
  "Sec-WebSocket-Key: x",
  "Sec-WebSocket-Protocol: ,",
  "Sec-WebSocket-Protocol: tertulia.v9.json",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "X: \u0001",
  ": y",
  " folded",
  "X".repeat(9_000),
  "Connection: close",
  "X-Forwarded-For: 1.2.3.4, x",
];

/** Bytes that were cut, lengthened, repeated, or changed. */
export function changedBytes(bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random.next() * (bytes.length + 1));
  const byte = random.next() < 0.5 ? random.pick(ODD_BYTES) : Math.floor(random.next() * 256);
  switch (random.pick(["cut", "insert", "change", "flip", "repeat", "append", "swap"])) {
    case "cut":
      return bytes.subarray(0, at);
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
    case "change":
      return replaced(bytes, at, byte);
    case "flip":
      return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << Math.floor(random.next() * 8)));
    case "repeat":
      return Buffer.concat([bytes, bytes.subarray(at)]);
    case "append":
      return Buffer.concat([bytes, Buffer.alloc(Math.floor(random.next() * 300), byte)]);
    default:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
  }
}

function replaced(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = byte;
  return copy;
}

/** The text of a request of which a field is odd, missing, there twice, or of which the text itself is broken. */
export function changedJson(request: Record<string, unknown>, random: Random): string {
  const fields = Object.keys(request);
  const field = random.pick(fields);
  const odd = random.pick(ODD_VALUES);
  switch (random.pick(["odd", "missing", "twice", "extra", "deep", "bytes", "bare"])) {
    case "odd":
      return JSON.stringify({ ...request, [field]: odd });
    case "missing":
      return JSON.stringify({ ...request, [field]: undefined });
    case "twice":
      return `{${JSON.stringify(field)}:${JSON.stringify(odd)},${JSON.stringify(request).slice(1)}`;
    case "extra":
      return `{"__proto__":${JSON.stringify(odd)},${JSON.stringify(request).slice(1)}`;
    case "deep": {
      const depth = Math.floor(random.between(1, 2_000));
      return `{"x":${"[".repeat(depth)}${"]".repeat(depth)},${JSON.stringify(request).slice(1)}`;
    }
    case "bytes":
      return changedBytes(Buffer.from(JSON.stringify(request)), random).toString("latin1");
    default:
      return JSON.stringify(odd) ?? "";
  }
}

/** Lines of a head, of which one is broken, missing, there twice, or new. */
export function changedLines(lines: readonly string[], random: Random): Buffer {
  const at = Math.floor(random.next() * lines.length);
  const rest = lines.filter((_, i) => i !== at);
  const line = lines[at]!;
  switch (random.pick(["bytes", "missing", "twice", "odd", "order", "method"])) {
    case "bytes":
      return changedBytes(headOf(lines), random);
    case "missing":
      return headOf(rest);
    case "twice":
      return headOf([...lines.slice(0, at + 1), line, ...lines.slice(at + 1)]);
    case "odd":
      return headOf([...lines, random.pick(ODD_HEADERS)]);
    case "order":
      return headOf([...rest, line]);
    default:
      return headOf([
        lines[0]!.replace(
          "GET",
          random.pick(["POST", "HEAD", "PUT", "get", "CONNECT", "OPTIONS", "X".repeat(99)]),
        ),
        ...lines.slice(1),
      ]);
  }
}

export function headOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** A frame in pieces, with another opcode, a wrong length, a bad mask: most of these end the connection. */
export function changedFrame(frame: Buffer, random: Random): Buffer {
  const first = frame[0]!;
  switch (
    random.pick(["opcode", "reserved", "unmasked", "length", "begun", "piece", "control", "bytes"])
  ) {
    case "opcode":
      return replaced(frame, 0, 0x80 | Math.floor(random.next() * 16));
    case "reserved":
      return replaced(frame, 0, first | random.pick([0x10, 0x20, 0x40]));
    case "unmasked":
      return replaced(frame, 1, frame[1]! & 0x7f);
    case "length":
      return replaced(frame, 1, 0x80 | random.pick([0, 1, 125, 126, 127]));
    case "begun":
      return replaced(frame, 0, first & 0x0f);
    case "piece":
      return replaced(frame, 0, random.pick([0x00, 0x80]));
    case "control":
      return replaced(frame, 0, random.pick([0x88, 0x89, 0x8a, 0x08, 0x09]));
    default:
      return changedBytes(frame, random);
  }
}
