/** A dialect: one way to write the chat's model on a WebSocket. PROTOCOL.md, dialects. */
import type { Command, Refusal, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";

/** What a frame from a client says. */
export type Decoded =
  | {
      readonly kind: "command";
      readonly command: Command;
      /** The frame tells what its client needs: from here on, the answer included, it is spoken to so. */
      readonly dialect?: ByteDialect;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** No answer is due: the frame is logged and counted. */
  | { readonly kind: "ignored"; readonly why: "unknown_op" | "truncated" | "empty" }
  /** As the first frame of a connection: the client speaks that other dialect. */
  | { readonly kind: "speaks"; readonly dialect: ByteDialect };

/** What is told, written down. Stateless and pure: one instance serves all connections. */
export interface Dialect {
  readonly name: string;
  /** Which type its frames are of. RFC 6455 §5.6. */
  readonly frames: "binary" | "text";
  /** The frame that tells, or undefined if this dialect has none for it. `reader`: who will hear it; none if everybody will. */
  encodeNotice(notice: Notice, reader?: Name): Uint8Array | undefined;
}

/** A dialect of bytes: one frame is one request. Never throws, whatever the bytes. */
export interface ByteDialect extends Dialect {
  decode(frame: Uint8Array): Decoded;
  /** The frame that answers a frame with this op, or undefined if this dialect has none for it. */
  encodeReply(reply: Reply, op?: number): Uint8Array | undefined;
}

/** What differs among the clients of the dialects of bytes. */
export interface ClassicOptions {
  /** What a general message names as its origin: who sent it, or `~`; then the text may begin with the sender. */
  readonly generalOrigin: "sender" | "tilde" | "tilde-with-sender";
  /** Whether 52 ends in the user's address: one client ignores it otherwise. */
  readonly showsAddress?: boolean;
  /** Lists (51) and histories (56) stay within this many bytes: some clients' buffers are small. */
  readonly replyMaxBytes: number;
}
