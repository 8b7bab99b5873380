/** What the dialects of bytes have in common: what their clients need, and how their frames are a session's requests. */
import type { Decoded, Ref } from "../session/requests.js";
import type { Traits } from "../session/traits.js";
import type { ByteCodec, ByteDialect, Decoded as DecodedBytes, Read } from "./dialect.js";

const BYTES: Traits = {
  nameInRequest: "claimed",
  mustGreet: false,
  settles: true,
  lingers: false,
  catchesUp: false,
  isRateLimited: false,
  ownMessage: "after-reply",
  afterHole: "evict",
  slowReader: "cut",
  pinged: "if-offered",
  isToldOfDrain: false,
  lastWishes: "all-but-questions",
  hearsOwnTyping: false,
};

/** @param traits where its clients differ from the others */
export function dialectOfBytes(codec: ByteCodec, traits: Partial<Traits> = {}): ByteDialect {
  const dialect: ByteDialect = {
    ...codec,
    frames: "binary",
    traits: { ...BYTES, ...traits },
    asks: "command",
    read: (frame, isFirst) => read(dialect, frame, isFirst),
    introduce: (name) => ({ type: "register", name }),
    tell: (telling) => {
      if (telling.type === "reply") {
        const { ref } = telling;
        return codec.encodeReply(telling.reply, typeof ref === "number" ? ref : undefined);
      }
      if (telling.type !== "failed") return undefined;
      return codec.encodeReply({ type: "refused", refusal: "unavailable" });
    },
    refuse: () => codec.encodeReply({ type: "refused", refusal: "unavailable" }),
  };
  return dialect;
}

function read(dialect: ByteDialect, frame: Uint8Array, isFirst: boolean): Read {
  const decoded = dialect.decode(frame);
  if (decoded.kind === "speaks" && isFirst) return read(decoded.dialect, frame, false);
  const needed = decoded.kind === "command" ? decoded.dialect : undefined;
  return { decoded: asked(decoded, frame[0]), dialect: needed ?? dialect };
}

function asked(decoded: DecodedBytes, op: Ref): Decoded {
  switch (decoded.kind) {
    case "command": {
      const { command } = decoded;
      const isName = command.type === "register";
      return {
        kind: "request",
        request: isName ? { type: "register", name: command.name } : { type: "command", command },
        ref: op,
      };
    }
    case "refused":
      return { kind: "refused", refusal: decoded.refusal, ref: undefined };
    case "ignored":
      return decoded;
    case "speaks": // too late
      return { kind: "ignored", why: "unknown_op" };
    default:
      return decoded satisfies never;
  }
}
