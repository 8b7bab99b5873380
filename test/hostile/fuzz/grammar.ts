/** What clients say, with values at random: requests of all dialects, by the grammar of PROTOCOL.md. */
import type { Random } from "#verifier/random.js";
import type { Dialect } from "../world.js";

/** Few, so that they meet each other, and are held, contested, and asked for. */
const NAMES = Array.from({ length: 40 }, (_, i) => `user-${i}`);
const ODD_NAMES = [
  "",
  "~",
  "#room",
  "@ana",
  "__proto__",
  "constructor",
  "a b",
  "{0}",
  "*",
  "ñandú",
  "x".repeat(64),
  "x".repeat(65),
];
const OWN_NAMES = 500;
const TEXTS = ["hola", "", "x", "ñ€𝄞", "\u202E", "#h1#", "{}", "\r\n", "x".repeat(255)];
const EPOCHS = ["0", "1", "zz", "", "zzzzzzzzzzzzzzzzz"];
const NUMBERS = [0, 1, 2, 7, -1, 1.5, 2 ** 31, 2 ** 53, 1e300];

export function nameOf(random: Random): string {
  return random.next() < 0.8 ? random.pick(NAMES) : random.pick(ODD_NAMES);
}

/** A name to connect with: so many that few are held. Names of JSON are kept for their keys. */
export function ownName(random: Random, dialect: Dialect): string {
  if (random.next() < 0.1) return nameOf(random);
  return `${dialect === "json" ? "key" : "own"}-${Math.floor(random.next() * OWN_NAMES)}`;
}

/** One byte says how long it is. */
function counted(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 255);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** A request of a byte client. */
export function byteRequest(random: Random, dialect: Dialect): Buffer {
  const name = counted(nameOf(random));
  const to = random.next() < 0.3 ? counted("~") : name;
  switch (random.pick([1, 2, 3, 3.5, 4, 4, 5, 6, 10])) {
    case 1:
      return Buffer.from(random.pick([[1], [1, 0], [1, 7, 7]]));
    case 2:
      return Buffer.concat([Buffer.from([2]), name]);
    case 3:
      return Buffer.from([3, random.pick([1, 2, 3, 4])]);
    case 3.5:
      return Buffer.concat([
        Buffer.from([3]),
        name,
        Buffer.from(random.pick([[1], [2], [1, 0x33]])),
      ]);
    case 4: {
      const rest = Buffer.concat([to, counted(random.pick(TEXTS))]);
      const head = dialect === "ws-protocol" ? [4, rest.length % 256] : [4];
      return Buffer.concat([Buffer.from(head), rest]);
    }
    case 5:
      return Buffer.concat([Buffer.from([5]), to]);
    case 6:
      return Buffer.from([6]);
    default:
      return Buffer.concat([Buffer.from([10]), name]);
  }
}

/** A request in JSON, as an object. */
export function jsonRequest(random: Random): Record<string, unknown> {
  const name = nameOf(random);
  const conv = random.next() < 0.4 ? "~" : `@${name}`;
  const id = random.next() < 0.5 ? { id: Math.floor(random.between(0, 100)) } : {};
  const number = random.pick(NUMBERS);
  return {
    ...id,
    ...random.pick<() => Record<string, unknown>>([
      () => ({ type: "hello", name, key: `key-${name.length}`, resume: cursors(random) }),
      () => ({
        type: "publish",
        conv,
        text: random.pick(TEXTS),
        mid: `m${Math.floor(random.next() * 50)}`,
      }),
      () => ({ type: "publish", text: random.pick(TEXTS) }),
      () => ({ type: "history", conv, limit: Math.floor(random.between(1, 200)) }),
      () => ({ type: "history", conv, before: number }),
      () => ({ type: "history", conv, after: number }),
      () => ({ type: "user", user: name }),
      () => ({
        type: "status",
        status: random.pick(["active", "busy", "inactive", "disconnected"]),
      }),
      () => ({ type: "read", conv, seq: number }),
      () => ({ type: "typing", conv }),
      () => ({ type: "remove", conv, seq: number }),
      () => ({ type: "presence", watch: [name, nameOf(random)] }),
      () => ({ type: "presence", off: true }),
      () => ({ type: "export", after: random.pick([undefined, name, conv, `${conv}:${number}`]) }),
      () => ({ type: "block", user: name, off: random.next() < 0.3 }),
      () => rare(random, name, number),
      () => ({ type: "ping" }),
    ])(),
  };
}

/** What few clients may ask for, or ask for seldom. */
function rare(random: Random, name: string, number: unknown): Record<string, unknown> {
  return random.pick<() => Record<string, unknown>>([
    () => ({ type: "blocks" }),
    () => ({ type: "sanctions" }),
    () => ({ type: "audit", limit: number }),
    () => ({ type: "moderate", act: random.pick(["kick", "ban", "unmute"]), user: name }),
    () => ({ type: "moderate", act: "ban", address: "192.0.2.0/24", for: number }),
    () => ({ type: random.pick(["register", "login"]), name, password: name }),
    () => ({ type: "password", old: name, new: name }),
    () => ({ type: "sessions", end: random.pick([undefined, "all", "others", name]) }),
    () => ({ type: "refresh", token: `${name}.${name}.${name}` }),
    () => ({ type: "unregister", erase: random.next() < 0.5, password: name }),
  ])();
}

function cursors(random: Random): Record<string, unknown> {
  const some = Array.from({ length: Math.floor(random.next() * 4) }, () => [
    random.next() < 0.3 ? "~" : `@${nameOf(random)}`,
    [random.pick(EPOCHS), random.pick(NUMBERS)],
  ]);
  return Object.fromEntries(some) as Record<string, unknown>;
}

/** The head of an upgrade, line by line. */
export function upgradeLines(random: Random, dialect: Dialect): string[] {
  const name = encodeURIComponent(ownName(random, dialect));
  const path = random.pick(["/", "/", "/chat", "", "//", "/ws"]);
  const target =
    dialect === "json" ? random.pick(["/ws", `/ws?name=${name}`]) : `${path}?name=${name}`;
  const offer = {
    classic: random.pick(["", "", "chat"]),
    "ws-protocol": "ws-protocol",
    json: "tertulia.v1.json",
  }[dialect];
  return [
    `GET ${target} HTTP/1.1`,
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version: 13",
    ...(offer === "" ? [] : [`Sec-WebSocket-Protocol: ${offer}`]),
    ...(random.next() < 0.2 ? ["Sec-WebSocket-Extensions: permessage-deflate"] : []),
  ];
}
