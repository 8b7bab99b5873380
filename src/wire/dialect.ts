/** A dialect: one way to write commands, replies and notices on a WebSocket. PROTOCOL.md, words. */
import type { Command, Refusal, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";

/** What a client's frame is. */
export type Decoded =
  | {
      readonly kind: "command";
      readonly command: Command;
      /** The frame shows what its client needs: from this answer on, the connection speaks this dialect. */
      readonly dialect?: ByteDialect;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Gets no answer: it is logged and counted. */
  | { readonly kind: "ignored"; readonly why: "unknown_op" | "truncated" | "empty" }
  /** If it is the connection's first frame: the client speaks this other dialect. */
  | { readonly kind: "speaks"; readonly dialect: ByteDialect };

/** Encodes notices. Stateless and pure: one instance serves all connections. */
export interface Dialect {
  readonly name: string;
  /** The type of its frames. RFC 6455 §5.6. */
  readonly frames: "binary" | "text";
  /** The frame for a notice, or undefined if this dialect has none. `reader`: who gets it; undefined if everybody does. */
  encodeNotice(notice: Notice, reader?: Name): Uint8Array | undefined;
}

/** A dialect of bytes: one frame is one request. Decoding never throws, whatever the bytes. */
export interface ByteDialect extends Dialect {
  decode(frame: Uint8Array): Decoded;
  /** The frame for a reply to a request with this op, or undefined if this dialect has none. */
  encodeReply(reply: Reply, op?: number): Uint8Array | undefined;
}

/** What differs between clients of the dialects of bytes. */
export interface ClassicOptions {
  /** The origin of a message in the general chat: its sender, or `~`; then the text may begin with the sender. */
  readonly generalOrigin: "sender" | "tilde" | "tilde-with-sender";
  /** Whether 52 ends in the user's address. One client ignores 52 without it. */
  readonly showsAddress?: boolean;
  /** Most bytes of a list (51) or a history (56): some clients have small buffers. */
  readonly replyMaxBytes: number;
}
