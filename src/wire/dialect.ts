/** A dialect: one way to write commands, replies and notices on a WebSocket. PROTOCOL.md, words. */
import type { Command, Refusal, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type * as session from "../session/requests.js";
import type { Traits } from "../session/traits.js";

/** Pure: one instance serves all connections. Nothing that it reads makes it throw. */
export interface Dialect {
  readonly name: string;
  /** Which type its frames are of. RFC 6455 §5.6. */
  readonly frames: "binary" | "text";
  /** What its clients need of a session. */
  readonly traits: Traits;
  /** As what metrics count a frame that asks for something. */
  readonly asks: "command" | "request";
  /** What a frame says. */
  read(frame: Uint8Array, isFirst: boolean): Read;
  /** What a name in the request line asks for, where it is not claimed in the handshake. */
  introduce(name: Name): session.Request;
  /** The frame that tells, or undefined if this dialect has none for it. */
  tell(telling: session.Telling, to: session.Listener): Uint8Array | undefined;
  /** The frame that refuses a frame that came too fast. */
  refuse(frame: Uint8Array, waitMs: number): Uint8Array | undefined;
  /** The frame that tells, or undefined if this dialect has none for it. `reader`: who will hear it; none if everybody will. */
  encodeNotice(notice: Notice, reader?: Name): Uint8Array | undefined;
}

export interface Read {
  readonly decoded: session.Decoded;
  /** The frame tells what its client needs: from here on, the answer included, it is spoken to so. */
  readonly dialect: Dialect;
}

/** What a frame of bytes says. */
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

/** The frames of bytes: one frame is one request. Never throws, whatever the bytes. */
export interface ByteCodec {
  readonly name: string;
  decode(frame: Uint8Array): Decoded;
  /** The frame for a reply to a request with this op, or undefined if this dialect has none. */
  encodeReply(reply: Reply, op?: number): Uint8Array | undefined;
  encodeNotice(notice: Notice): Uint8Array | undefined;
}

export interface ByteDialect extends Dialect, ByteCodec {
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
