/** What a session's client says and is told, in its dialect: which may become another one by what it says. */
import type { Counters } from "../observe.js";
import type { Decoded, Listener, Telling } from "../session/requests.js";
import type { Dialect } from "../wire/dialect.js";
import { frameOf, type Frame } from "./frame.js";
import type { Waiting } from "./request-queue.js";

export class SessionCodec {
  readonly #counters: Counters;
  #dialect: Dialect;
  #atHand: Waiting | undefined;

  constructor(dialect: Dialect, counters: Counters) {
    this.#dialect = dialect;
    this.#counters = counters;
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  /** The op of the frame that was taken up last, in a dialect of bytes. */
  get op(): number | undefined {
    const isOp = this.#dialect.frames === "binary" && Buffer.isBuffer(this.#atHand);
    return isOp ? (this.#atHand as Buffer)[0] : undefined;
  }

  /** Takes up a frame, or what the node asks for the client. */
  takeUp(waiting: Waiting): void {
    this.#atHand = waiting;
  }

  /** Reads what was taken up. */
  read(isFirst: boolean): Decoded {
    const { frames } = this.#counters;
    const { asks } = this.#dialect;
    if (!Buffer.isBuffer(this.#atHand)) {
      frames.inc({ kind: asks });
      return { kind: "request", request: this.#atHand!, ref: undefined };
    }
    const { decoded, dialect } = this.#dialect.read(this.#atHand, isFirst);
    frames.inc({ kind: decoded.kind === "request" ? asks : decoded.kind });
    this.#speak(dialect);
    return decoded;
  }

  /** The answer to what was taken up, and came too fast. */
  refuse(waitMs: number): Frame | undefined {
    this.#counters.frames.inc({ kind: "refused" });
    if (!Buffer.isBuffer(this.#atHand)) return undefined;
    return this.#framed(this.#dialect.refuse(this.#atHand, waitMs));
  }

  tell(telling: Telling, to: Listener): Frame | undefined {
    return this.#framed(this.#dialect.tell(telling, to));
  }

  /** A payload that the dialect has written before. */
  answer(payload: Uint8Array): Frame {
    return frameOf(payload, this.#dialect.frames);
  }

  #framed(payload: Uint8Array | undefined): Frame | undefined {
    return payload && frameOf(payload, this.#dialect.frames);
  }

  #speak(dialect: Dialect): void {
    if (dialect === this.#dialect) return;
    const { connections } = this.#counters;
    connections.dec({ dialect: this.#dialect.name });
    connections.inc({ dialect: dialect.name });
    this.#dialect = dialect;
  }
}
