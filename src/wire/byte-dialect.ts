/** What the dialects of bytes have in common: their traits, and the way from a codec to a dialect. */
import type { Decoded, Ref, RequestOf } from "../session/requests.js";
import type { LiveTraits } from "../session/traits.js";
import type { ByteCodec, ByteDialect, Decoded as DecodedBytes, Read } from "./dialect.js";

const BYTES: LiveTraits = {
  nameInRequest: "claimed",
  mustGreet: false,
  settles: true,
  lingers: false,
  catchesUp: false,
  whenTooFast: "wait",
  ownMessage: "after-reply",
  afterHole: "evict",
  slowReader: "cut",
  pinged: "if-offered",
  isToldOfDrain: false,
  afterDisconnect: "all-but-queries",
  hearsOwnTyping: false,
};

/** @param traits those in which its clients differ from others */
export function dialectOfBytes(codec: ByteCodec, traits: Partial<LiveTraits> = {}): ByteDialect {
  const dialect: ByteDialect = {
    ...codec,
    frames: "binary",
    traits: { ...BYTES, ...traits },
    asks: "command",
    decodeRequest: (frame, isFirst) => decodeRequest(dialect, frame, isFirst),
    requestName: (name) => ({ type: "register", name }),
    encodeOutput: (output) => {
      if (output.type === "reply") {
        const { ref } = output;
        return codec.encodeReply(output.reply, typeof ref === "number" ? ref : undefined);
      }
      if (output.type !== "failed") return undefined;
      return codec.encodeReply({ type: "refused", refusal: "unavailable" });
    },
    encodeTooFast: () => codec.encodeReply({ type: "refused", refusal: "too_fast" }),
  };
  return dialect;
}

function decodeRequest(
  dialect: ByteDialect,
  frame: Uint8Array,
  isFirst: boolean,
): Read<LiveTraits> {
  const decoded = dialect.decode(frame);
  if (decoded.kind === "speaks" && isFirst) return decodeRequest(decoded.dialect, frame, false);
  const needed = decoded.kind === "command" ? decoded.dialect : undefined;
  return { decoded: asked(decoded, frame[0]), dialect: needed ?? dialect };
}

function asked(decoded: DecodedBytes, op: Ref): Decoded<RequestOf<LiveTraits>> {
  switch (decoded.kind) {
    case "command": {
      const { command } = decoded;
      const isName = command.type === "register";
      return {
        kind: "request",
        request: isName
          ? { type: "register", name: command.name, shown: command.shown }
          : { type: "command", command },
        ref: op,
      };
    }
    case "refused":
      return { kind: "refused", refusal: decoded.refusal, ref: undefined };
    case "ignored":
      return decoded;
    case "speaks": // not the first frame
      return { kind: "ignored", why: "unknown_op" };
    default:
      return decoded satisfies never;
  }
}
