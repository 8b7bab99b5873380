/**
 * Some clients need more than the protocol says, and some of their frames tell who they are. From
 * such a frame on, a connection is spoken to in a variant of its dialect. PROTOCOL.md, classic.
 */
import type { ByteDialect, ClassicOptions, Decoded } from "./dialect.js";

/** Reads this much of a reply at once, the four bytes of the frame's header included. */
const SMALL_REPLY_BYTES = 1_023 - 4;

/** A dialect that goes over to its variants; one instance of each, made when it is first needed. */
export function recognising(
  configured: ClassicOptions,
  dialectOf: (options: ClassicOptions) => ByteDialect,
): ByteDialect {
  const variants = new Map<string, ByteDialect>();
  const variantOf = (options: ClassicOptions): ByteDialect => {
    const key = `${options.generalOrigin} ${options.replyMaxBytes}`;
    const known = variants.get(key);
    if (known !== undefined) return known;
    const plain = dialectOf(options);
    const decode = (frame: Uint8Array): Decoded => {
      const decoded = plain.decode(frame);
      const needed = neededBy(frame, options);
      if (needed === options || decoded.kind !== "command") return decoded;
      return { ...decoded, dialect: variantOf(needed) };
    };
    const variant = { ...plain, decode };
    variants.set(key, variant);
    return variant;
  };
  return variantOf(configured);
}

/** What the sender of this frame needs; the same options if the frame tells nothing new. */
function neededBy(frame: Uint8Array, options: ClassicOptions): ClassicOptions {
  // asks for all users by op 6: it shows the general chat live only if its origin is `~`, and then
  // nobody would know who speaks
  if (frame[0] === 6 && options.generalOrigin === "sender") {
    return { ...options, generalOrigin: "tilde-with-sender" };
  }
  // a list request with a zero behind its op
  const isSmallReader = frame.length === 2 && frame[0] === 1 && frame[1] === 0;
  if (isSmallReader && options.replyMaxBytes > SMALL_REPLY_BYTES) {
    return { ...options, replyMaxBytes: SMALL_REPLY_BYTES };
  }
  return options;
}
