/** A WebSocket that answers a close frame when what has to be done first is done. */
import { WebSocket } from "ws";
import { hasReceivedClose, keepOpenAfterEnd } from "./library-internals.js";

/** RFC 6455 §7.4.1: a close frame without a code. */
const NO_CODE = 1005;

export class AnsweringSocket extends WebSocket {
  /** Between the client's close frame, with this code, and the answer. Never rejects. */
  beforeAnswer: ((code: number) => Promise<void>) | undefined;

  /** `ws` answers a close frame by calling this, with what the client has said; so does who closes first. */
  override close(code?: number, reason?: string | Buffer): void {
    const before = this.beforeAnswer;
    if (before === undefined || !hasReceivedClose(this)) return super.close(code, reason);
    this.beforeAnswer = undefined;
    keepOpenAfterEnd(this);
    void before(code ?? NO_CODE).then(() => super.close(code, reason));
  }
}
