import { describe, expect, test } from "vitest";
import { bytesFromName, nameFromBytes, type Name, type User } from "#tertulia/chat/names.js";
import { cutAtCharacter } from "#tertulia/wire/bytes.js";
import type { Command, Reply } from "#tertulia/chat/commands.js";
import { GENERAL, type Address } from "#tertulia/chat/conversation.js";
import type { Message, Notice } from "#tertulia/chat/events.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import type { ByteDialect, Decoded } from "#tertulia/wire/dialect.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);
const classic = classicDialect(options, wsProtocol);
const dialects = { classic, wsProtocol };

const name = (text: string): Name => nameFromBytes(Buffer.from(text));
const bytes = (text: string): Buffer => Buffer.from(text);
const command = (is: Command): Decoded => ({ kind: "command", command: is });
const truncated: Decoded = { kind: "ignored", why: "truncated" };
const addressed = (to: string): Address =>
  to === "~" ? GENERAL : { kind: "direct", user: name(to) };
const send = (to: string, text: string | Buffer): Decoded =>
  command({ type: "send", to: addressed(to), text: Buffer.from(text) });

/** Client to server: in both dialects unless one is named. */
const decoding: [
  what: string,
  frame: number[] | Buffer,
  is: Decoded,
  only?: "classic" | "wsProtocol",
][] = [
  // op
  ["a list", [1], command({ type: "list" })],
  // op, ignored
  ["a list with a byte behind it", [1, 0], command({ type: "list" })],
  // op, length of the name, j o
  ["a user", [2, 2, 106, 111], command({ type: "lookup", name: name("jo") })],
  ["a user whose name is cut", [2, 3, 106, 111], truncated],
  ["a user without a name", [2], truncated],
  // op, length, j o, busy
  [
    "jo becomes busy",
    [3, 2, 106, 111, 2],
    command({ type: "status", name: name("jo"), status: "busy" }),
  ],
  // op, inactive
  ["one's own status, short", [3, 3], command({ type: "status", status: "inactive" })],
  ["a sign-out, short", [3, 0], command({ type: "status", status: "disconnected" })],
  ["a status above 3", [3, 2, 106, 111, 4], { kind: "refused", refusal: "bad_status" }],
  ["one's own status above 3", [3, 200], { kind: "refused", refusal: "bad_status" }],
  // op, 3, z o e, a status of one byte, the digit 3
  [
    "a status as a digit",
    [0x03, 0x03, 0x7a, 0x6f, 0x65, 0x01, 0x33],
    command({ type: "status", name: name("zoe"), status: "inactive" }),
  ],
  [
    "a sign-out as a digit",
    [3, 2, 106, 111, 1, 0x30],
    command({ type: "status", name: name("jo"), status: "disconnected" }),
  ],
  [
    "a status above 3 as a digit",
    [3, 2, 106, 111, 1, 0x34],
    { kind: "refused", refusal: "bad_status" },
  ],
  // only these lengths, and only digits: else what follows the status is ignored
  [
    "active, and a byte that is no digit",
    [3, 2, 106, 111, 1, 3],
    command({ type: "status", name: name("jo"), status: "active" }),
  ],
  [
    "active, and more than a digit",
    [3, 2, 106, 111, 1, 0x33, 0],
    command({ type: "status", name: name("jo"), status: "active" }),
  ],
  [
    "busy, and a digit",
    [3, 2, 106, 111, 2, 0x33],
    command({ type: "status", name: name("jo"), status: "busy" }),
  ],
  ["a status that is missing", [3, 2, 106, 111], truncated],
  ["a status request of nothing", [3], truncated],
  // op, 1, ~, 3, e l o
  ["elo to the general chat", [4, 1, 126, 3, 101, 108, 111], send("~", "elo")],
  // op, 2, j o, 3, e l o
  ["elo to jo", [4, 2, 106, 111, 3, 101, 108, 111], send("jo", "elo")],
  // op, 2, ~ j, 2, h i; op, 2, # j; op, 0: nobody has these names, but each is a name
  ["hi to ~j", [4, 2, 126, 106, 2, 104, 105], send("~j", "hi")],
  ["a history with #j", [5, 2, 35, 106], command({ type: "history", of: addressed("#j") })],
  ["a history with nobody", [5, 0], command({ type: "history", of: addressed("") })],
  ["an empty text", [4, 1, 126, 0], send("~", "")],
  // op, T = 6 bytes follow, 1, ~, 3, e l o: told apart by its structure on any connection
  ["elo in ws-protocol's layout", [4, 6, 1, 126, 3, 101, 108, 111], send("~", "elo")],
  ["a send without a text", [4, 1, 126], truncated],
  ["a send of nothing", [4], truncated],
  ["a text that is cut", [4, 1, 126, 9, 101], truncated, "classic"],
  // the client counted UTF-16 units (1) and sent UTF-8 (2 bytes): cut inside the character
  [
    "a text longer than its count",
    [4, 1, 126, 1, 0xc3, 0xab],
    send("~", Buffer.from([0xc3])),
    "classic",
  ],
  // op, length, j o
  ["a history", [5, 2, 106, 111], command({ type: "history", of: addressed("jo") })],
  ["a history of everybody", [5, 1, 126], command({ type: "history", of: GENERAL })],
  ["a history that is cut", [5, 9, 126], truncated],
  // op
  ["all known users", [6], command({ type: "list" })],
  ["an op nobody knows", [77, 1, 2], { kind: "ignored", why: "unknown_op" }],
  ["no byte at all", [], { kind: "ignored", why: "empty" }],
  [
    "a registration, where none is expected",
    [10, 2, 106, 111],
    { kind: "speaks", dialect: wsProtocol },
    "classic",
  ],
  // op, length, j o
  [
    "a registration",
    [10, 2, 106, 111],
    command({ type: "register", name: name("jo") }),
    "wsProtocol",
  ],
  ["a registration that is cut", [10, 9, 106], truncated, "wsProtocol"],
];

describe("decoding", () => {
  for (const [what, frame, is, only] of decoding) {
    for (const key of ["classic", "wsProtocol"] as const) {
      if (only !== undefined && only !== key) continue;
      test(`${what}, ${key}`, () => {
        const decoded = dialects[key].decode(Uint8Array.from(frame));
        expect(normal(decoded)).toEqual(normal(is));
      });
    }
  }

  test("a text of exactly 255 bytes fits both layouts: the connection's dialect decides", () => {
    // classic: 4, L(to) with 1 byte, L(text) with 255: the frame's length minus 2 is 1 modulo 256
    const text = Buffer.alloc(255, 0x61);
    text[0] = 254; // read as ws-protocol's: to = "\xff", text of 254 bytes
    const frame = Uint8Array.from([4, 1, 1, 255, ...text]);
    const asClassic = classic.decode(frame);
    const asWsProtocol = wsProtocol.decode(frame);
    expect(normal(asClassic)).toEqual(normal(send("\x01", text)));
    expect(asWsProtocol).toMatchObject({ command: { type: "send", to: { user: "\xff" } } });
  });
});

const jo: User = { name: name("jo"), status: "disconnected" };
const elo: User = { name: name("elo"), status: "busy" };
const at = { generation: 1, offset: 1 };
const message = (text: string | Buffer, to: "general" | "kou" = "general"): Message => ({
  conversation:
    to === "general" ? { kind: "general" } : { kind: "direct", between: [name("jo"), name("kou")] },
  epoch: 1,
  seq: 1,
  mid: "m",
  author: name("jo"),
  time: 0,
  text: Buffer.from(text),
});
const presence = (cause: "new" | "back"): Notice => ({
  type: "presence",
  at,
  cause,
  user: { name: name("jo"), status: "active" },
});
const told = (is: Message): Notice => ({ type: "message", at, message: is });

/** Server to client: [what, reply or notice, classic bytes, ws-protocol's bytes where they differ]. */
const encoding: [what: string, Reply | Notice, number[] | undefined, number[]?][] = [
  // code, count, 2 j o 0, 3 e l o 2            ws-protocol: T = 10 bytes follow
  [
    "a list of two",
    { type: "users", users: [jo, elo] },
    [51, 2, 2, 106, 111, 0, 3, 101, 108, 111, 2],
    [51, 10, 2, 2, 106, 111, 0, 3, 101, 108, 111, 2],
  ],
  ["a list of none", { type: "users", users: [] }, [51, 0], [51, 1, 0]],
  // code, length, e l o, busy
  ["one user", { type: "user", user: elo }, [52, 3, 101, 108, 111, 2]],
  ["a registration's answer", { type: "registered", user: elo }, [53, 3, 101, 108, 111, 2]],
  ["a status that was so already", { type: "unchanged", user: elo }, [54, 3, 101, 108, 111, 2]],
  ["a new user", presence("new"), [53, 2, 106, 111, 1]],
  ["a user who is back", presence("back"), [54, 2, 106, 111, 1]],
  // code, 2, j o, 3, e l o
  [
    "elo by jo to everybody",
    told(message("elo")),
    [55, 2, 106, 111, 3, 101, 108, 111],
    [55, 7, 2, 106, 111, 3, 101, 108, 111],
  ],
  [
    "elo by jo to kou",
    told(message("elo", "kou")),
    [55, 2, 106, 111, 3, 101, 108, 111],
    [55, 7, 2, 106, 111, 3, 101, 108, 111],
  ],
  // code, count, 2 j o, 1 a, 2 j o, 1 b
  [
    "a history",
    { type: "history", messages: [message("a"), message("b")] },
    [56, 2, 2, 106, 111, 1, 97, 2, 106, 111, 1, 98],
  ],
  ["an empty history", { type: "history", messages: [] }, [56, 0]],
  ["an effect that comes by the feed", { type: "accepted" }, undefined],
  ["a new leader", { type: "leader", at, node: "x" }, undefined],
  ["a gap", { type: "gap", bucket: 1, after: at, reason: "trimmed", hasMissed: true }, undefined],
  ["no such user", { type: "refused", refusal: "unknown_user" }, [50, 1]],
  ["a taken name", { type: "refused", refusal: "name_taken" }, [50, 1]],
  ["an invalid status", { type: "refused", refusal: "bad_status" }, [50, 2]],
  ["an empty message", { type: "refused", refusal: "empty_message" }, [50, 3]],
  ["a recipient who left", { type: "refused", refusal: "recipient_disconnected" }, [50, 4]],
  ["not registered", { type: "refused", refusal: "not_registered" }, [50, 5]],
  ["unavailable", { type: "refused", refusal: "unavailable" }, [50, 6]],
  ["somebody else's status", { type: "refused", refusal: "forbidden" }, [50, 7]],
];

describe("encoding", () => {
  for (const [what, model, asClassic, asWsProtocol] of encoding) {
    test(what, () => {
      expect(encoded(classic, model)).toEqual(asClassic);
      expect(encoded(wsProtocol, model)).toEqual(asWsProtocol ?? asClassic);
    });
  }

  test("the general chat's origin is ~ if the operator wants it", () => {
    const tilde = classicDialect({ ...options, generalOrigin: "tilde" }, wsProtocol);
    expect(encoded(tilde, told(message("a")))).toEqual([55, 1, 126, 1, 97]);
    expect(encoded(tilde, told(message("a", "kou")))).toEqual([55, 2, 106, 111, 1, 97]);
  });

  test("52 has the address only if the operator wants it", () => {
    const shown = { ...options, showsAddress: true };
    const at: User = { ...elo, address: "192.0.2.7" };
    const told = [52, 3, 101, 108, 111, 2, 9, ...bytes("192.0.2.7")];
    const empty = [52, 2, 106, 111, 0, 0];
    for (const dialect of [classicDialect(shown, wsProtocol), wsProtocolDialect(shown)]) {
      expect(encoded(dialect, { type: "user", user: at })).toEqual(told);
      expect(encoded(dialect, { type: "user", user: jo })).toEqual(empty);
      for (const type of ["registered", "unchanged"] as const) {
        expect(encoded(dialect, { type, user: at })!.length).toBe(6);
      }
    }
    for (const dialect of [classic, wsProtocol]) {
      expect(encoded(dialect, { type: "user", user: at })).toEqual([52, 3, 101, 108, 111, 2]);
    }
  });

  test("op 6 is answered with 57, with the same bytes in both dialects", () => {
    for (const dialect of [classic, wsProtocol]) {
      const reply = dialect.encodeReply({ type: "users", users: [jo, elo] }, 6)!;
      expect([...reply]).toEqual([57, 2, 2, 106, 111, 0, 3, 101, 108, 111, 2]);
    }
  });

  test("the general chat's origin is ~ and the text names the sender, if the operator wants it", () => {
    const both = { ...options, generalOrigin: "tilde-with-sender" } as const;
    const dialect = classicDialect(both, wsProtocolDialect(both));
    expect(encoded(dialect, told(message("a")))).toEqual([55, 1, 126, 5, 106, 111, 58, 32, 97]);
    expect(encoded(dialect, told(message("a", "kou")))).toEqual([55, 2, 106, 111, 1, 97]);
    expect(encoded(wsProtocolDialect(both), told(message("a")))).toEqual([
      55, 8, 1, 126, 5, 106, 111, 58, 32, 97,
    ]);
    const long = Buffer.from(encoded(dialect, told(message("ë".repeat(127))))!);
    expect(long[3]).toBeLessThanOrEqual(255);
    expect(long.subarray(4).toString()).toBe(`jo: ${"ë".repeat(124)}…`);
  });

  test("a text over 255 bytes is cut at a character and ends in an ellipsis", () => {
    const frame = encoded(classic, told(message("ë".repeat(200))))!;
    expect(frame[4]).toBe(255);
    expect(Buffer.from(frame.slice(5)).toString()).toBe(`${"ë".repeat(126)}…`);
  });

  test("count bytes hold at most 255, and replies at most the configured bytes", () => {
    const users = Array.from({ length: 300 }, (_, i): User => ({
      name: name(`u${i}`),
      status: "active",
    }));
    expect(encoded(classic, { type: "users", users })![1]).toBe(255);
    // all who ask share one encoding, whatever their dialect and their buffer
    const asked = classic.decode(Uint8Array.from([1, 0]));
    const small = (asked.kind === "command" && asked.dialect) || classic;
    expect(small).not.toBe(classic);
    for (const dialect of [classic, small, wsProtocol, classic, small, wsProtocol]) {
      const fresh = encoded(dialect, { type: "users", users: [...users] });
      expect(encoded(dialect, { type: "users", users })).toEqual(fresh);
    }
    const messages = Array.from({ length: 300 }, (_, i) => message(`${i}`.padStart(100, "0")));
    const history = encoded(classic, { type: "history", messages })!;
    expect(history.length).toBeLessThanOrEqual(4_096);
    expect(Buffer.from(history.slice(-3)).toString()).toBe("299");
    expect(history[1]).toBe(39); // (4096 - 2) / 104
  });
});

describe("recognising", () => {
  const after = (dialect: ByteDialect, ...frames: number[][]): ByteDialect => {
    let spoken = dialect;
    for (const frame of frames) {
      const decoded = spoken.decode(Uint8Array.from(frame));
      if (decoded.kind === "command") spoken = decoded.dialect ?? spoken;
    }
    return spoken;
  };

  for (const key of ["classic", "wsProtocol"] as const) {
    const total = key === "wsProtocol" ? 1 : 0;

    test(`a client that sends op 6 gets general messages from ~, with the sender in the text, ${key}`, () => {
      const heard = encoded(after(dialects[key], [6]), told(message("a")))!;
      expect(heard.slice(1 + total)).toEqual([1, 126, 5, 106, 111, 58, 32, 97]);
      const direct = encoded(after(dialects[key], [6]), told(message("a", "kou")))!;
      expect(direct.slice(1 + total)).toEqual([2, 106, 111, 1, 97]);
    });

    test(`a client that lists by 01 00 gets no reply frame over 1,023 bytes, ${key}`, () => {
      const users = Array.from({ length: 255 }, (_, i): User => ({
        name: name(`user-${i}`),
        status: "active",
      }));
      const messages = Array.from({ length: 255 }, (_, i) => message(`${i}`.padStart(40, "0")));
      const small = after(dialects[key], [1, 0]);
      for (const reply of [
        { type: "users", users },
        { type: "history", messages },
      ] as const) {
        expect(encoded(dialects[key], reply)!.length).toBeGreaterThan(1_023);
        expect(encoded(small, reply)!.length).toBeLessThanOrEqual(1_019);
        expect(encoded(small, reply)!.length).toBeGreaterThan(960);
      }
      expect(
        encoded(after(dialects[key], [1], [1, 0, 0], [1, 1]), { type: "users", users })!.length,
      ).toBeGreaterThan(1_023);
    });

    test(`both signs may come from one client, and each variant has one instance, ${key}`, () => {
      const both = after(dialects[key], [6], [1, 0]);
      expect(after(dialects[key], [1, 0], [6], [6], [1, 0], [1])).toBe(both);
      expect(both).not.toBe(after(dialects[key], [6]));
      expect(both.name).toBe(dialects[key].name);
    });
  }

  test("an operator's ~ stays, and so does a smaller limit", () => {
    const own = { generalOrigin: "tilde", replyMaxBytes: 500 } as const;
    const dialect = wsProtocolDialect(own);
    expect(after(dialect, [6], [1, 0])).toBe(dialect);
  });

  test("a client recognised by op 10 keeps its own dialect", () => {
    const decoded = classic.decode(Uint8Array.from([10, 2, 106, 111]));
    expect(decoded.kind).toBe("speaks");
    if (decoded.kind === "speaks") expect(after(decoded.dialect, [6])).toBe(after(wsProtocol, [6]));
  });
});

describe("bytes", () => {
  test("a cut falls between characters where the text is UTF-8", () => {
    expect(cutAtCharacter(bytes("aë"), 2)).toEqual(bytes("a"));
    expect(cutAtCharacter(bytes("a😀"), 4)).toEqual(bytes("a"));
    expect(cutAtCharacter(bytes("a😀"), 5)).toEqual(bytes("a😀"));
    expect(cutAtCharacter(Buffer.alloc(9, 0x80), 5).length).toBe(5);
  });

  test("names keep every byte", () => {
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(bytesFromName(nameFromBytes(every))).toEqual(every);
  });
});

function encoded(dialect: ByteDialect, model: Reply | Notice): number[] | undefined {
  const isNotice = "at" in model || model.type === "gap";
  const frame = isNotice ? dialect.encodeNotice(model) : dialect.encodeReply(model as Reply);
  return frame && [...frame];
}

/** Byte arrays compare by content, whatever their class; what a frame reveals has tests of its own. */
function normal(decoded: Decoded): unknown {
  if (decoded.kind !== "command") return decoded;
  const { kind, command: is } = decoded;
  return { kind, command: is.type === "send" ? { ...is, text: [...is.text] } : is };
}
