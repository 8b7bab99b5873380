/** A WebSocket that answers a close frame when what has to be done first is done. */
import type { Socket } from "node:net";
import { WebSocket } from "ws";

/** RFC 6455 §7.4.1: a close frame without a code. */
const NO_CODE = 1005;

export class AnsweringSocket extends WebSocket {
  /** Between the client's close frame, with this code, and the answer. Never rejects. */
  beforeAnswer: ((code: number) => Promise<void>) | undefined;

  /** ws answers a close frame by calling this, with what the client has said; so does who closes first. */
  override close(code?: number, reason?: string | Buffer): void {
    const before = this.beforeAnswer;
    // no door for it in ws: where the field is not, close frames are answered at once
    const hasHeardClose = Reflect.get(this, "_closeFrameReceived") === true;
    if (!hasHeardClose || before === undefined) return super.close(code, reason);
    this.beforeAnswer = undefined;
    // when the client has ended its side, ws ends ours: without a word, if that comes before the answer
    (Reflect.get(this, "_socket") as Socket | undefined)?.removeAllListeners("end");
    void before(code ?? NO_CODE).then(() => super.close(code, reason));
  }
}
