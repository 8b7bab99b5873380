/**
 * Some clients need what the protocol does not say, and some of their frames tell which client it is. From
 * such a frame on, the connection speaks a variant of its dialect. PROTOCOL.md, classic.
 */
import type { LiveTraits } from "../session/traits.js";
import { dialectOfBytes } from "./byte-dialect.js";
import type { ByteCodec, ByteDialect, ClassicOptions, Decoded } from "./dialect.js";

/** One client reads at most so much of a reply, the four bytes of the frame's header included. */
const SMALL_REPLY_BYTES = 1_023 - 4;

/** A dialect that switches to its variants. Of each variant one instance is made, when it is first needed. */
export function recognising(
  configured: ClassicOptions,
  codecOf: (options: ClassicOptions) => ByteCodec,
  traits: Partial<LiveTraits> = {},
): ByteDialect {
  const variants = new Map<string, ByteDialect>();
  const variantOf = (options: ClassicOptions): ByteDialect => {
    const key = `${options.generalOrigin} ${options.replyMaxBytes}`;
    const known = variants.get(key);
    if (known !== undefined) return known;
    const plain = codecOf(options);
    const decode = (frame: Uint8Array): Decoded => {
      const decoded = plain.decode(frame);
      const needed = neededBy(frame, options);
      if (needed === options || decoded.kind !== "command") return decoded;
      return { ...decoded, dialect: variantOf(needed) };
    };
    const variant = dialectOfBytes({ ...plain, decode }, traits);
    variants.set(key, variant);
    return variant;
  };
  return variantOf(configured);
}

/** The options that the sender of this frame needs; the same object if the frame tells nothing new. */
function neededBy(frame: Uint8Array, options: ClassicOptions): ClassicOptions {
  // a client that sends op 6 shows general messages live only if their origin is `~`; then the text has to
  // say who wrote it
  if (frame[0] === 6 && options.generalOrigin === "sender") {
    return { ...options, generalOrigin: "tilde-with-sender" };
  }
  // a list request with a zero behind its op: from the client with the small buffer
  const isSmallReader = frame.length === 2 && frame[0] === 1 && frame[1] === 0;
  if (isSmallReader && options.replyMaxBytes > SMALL_REPLY_BYTES) {
    return { ...options, replyMaxBytes: SMALL_REPLY_BYTES };
  }
  return options;
}
