/** A dialect: one way to write the chat's model on a WebSocket. PROTOCOL.md, dialects. */
import type { Command, Notice, Refusal, Reply } from "../chat/model.js";

/** What a frame from a client says. */
export type Decoded =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** No answer is due: the frame is logged and counted. */
  | { readonly kind: "ignored"; readonly why: "unknown_op" | "truncated" | "empty" }
  /** As the first frame of a connection: the client speaks that other dialect. */
  | { readonly kind: "speaks"; readonly dialect: Dialect };

/** Stateless and pure: one instance serves all connections. Never throws, whatever the bytes. */
export interface Dialect {
  readonly name: string;
  decode(frame: Uint8Array): Decoded;
  /** The frame that answers, or undefined if this dialect has none for it. */
  encodeReply(reply: Reply): Uint8Array | undefined;
  /** The frame that tells, or undefined if this dialect has none for it. */
  encodeNotice(notice: Notice): Uint8Array | undefined;
}
