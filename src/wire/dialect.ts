/** A dialect: one way to write commands, replies and notices on a WebSocket. PROTOCOL.md, words. */
import type { Command, Refusal, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type * as session from "../session/requests.js";
import type { CatchUpTraits, LiveTraits, Traits } from "../session/traits.js";

export type Dialect = DialectOf<CatchUpTraits> | DialectOf<LiveTraits>;

/**
 * Pure: one instance serves all connections. Decoding never throws, whatever the bytes.
 * Its traits decide which request claims a name: {@link session.RequestOf}.
 */
export interface DialectOf<Its extends Traits> {
  readonly name: string;
  /** The type of its frames. RFC 6455 §5.6. */
  readonly frames: "binary" | "text";
  /** What its clients need of a session. */
  readonly traits: Its;
  /** How metrics count its requests: label `kind`. */
  readonly asks: "command" | "request";
  /** @param isFirst whether it is the first frame of the connection */
  decodeRequest(frame: Uint8Array, isFirst: boolean): Read<Its>;
  /** The request for a name. See {@link Traits.nameInRequest}. */
  requestName(name: Name): session.RequestOf<Its>;
  /** The frame for an output, or undefined if this dialect has none. */
  encodeOutput(output: session.Output, to: session.Listener): Uint8Array | undefined;
  /** The answer to a frame that is too much for this client. */
  encodeTooFast(frame: Uint8Array, waitMs: number): Uint8Array | undefined;
  /** The frame for a notice, or undefined if this dialect has none. `reader`: who gets it; undefined if everybody does. */
  encodeNotice(notice: Notice, reader?: Name): Uint8Array | undefined;
}

/** A decoded frame. */
export interface Read<Its extends Traits = Traits> {
  readonly decoded: session.Decoded<session.RequestOf<Its>>;
  /**
   * The dialect of the connection from here on, this answer included: frames may show what their client needs. The
   * session keeps its traits: the new ones are the same, except for `nameInRequest` and `mustGreet`, which are not needed
   * any more: it has its name.
   */
  readonly dialect: DialectOf<Its>;
}

/** A decoded frame of bytes. */
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

/** Frames of bytes, to commands and from replies and notices. Decoding never throws, whatever the bytes. */
export interface ByteCodec {
  readonly name: string;
  decode(frame: Uint8Array): Decoded;
  /** The frame for a reply to a request with this op, or undefined if this dialect has none. */
  encodeReply(reply: Reply, op?: number): Uint8Array | undefined;
  encodeNotice(notice: Notice): Uint8Array | undefined;
}

export interface ByteDialect extends DialectOf<LiveTraits>, ByteCodec {
  encodeNotice(notice: Notice): Uint8Array | undefined;
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
