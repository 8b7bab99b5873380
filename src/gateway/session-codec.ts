/** Decodes and encodes the frames of one session. A frame may show that the client needs another dialect. */
import type { Name } from "../chat/names.js";
import type { Counters } from "../observe.js";
import {
  isQuestion,
  isToAll,
  privateMessageOf,
  type ChatCommand,
  type Decoded,
  type Listener,
  type Output,
  type StatusCommand,
} from "../session/requests.js";
import type { Dialect } from "../wire/dialect.js";
import { frameOf, type Frame } from "./frame.js";
import type { Waiting } from "./request-queue.js";

type Read = ReturnType<Dialect["decodeRequest"]>;

export class SessionCodec {
  readonly #counters: Counters;
  #dialect: Dialect;
  #atHand: Waiting | undefined;
  /** The frame behind it, if that was decoded already. */
  #ahead: { readonly frame: Buffer; readonly read: Read } | undefined;

  constructor(dialect: Dialect, counters: Counters) {
    this.#dialect = dialect;
    this.#counters = counters;
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  /** The op of the current frame, in a dialect of bytes. */
  get op(): number | undefined {
    const isOp = this.#dialect.frames === "binary" && Buffer.isBuffer(this.#atHand);
    return isOp ? (this.#atHand as Buffer)[0] : undefined;
  }

  /** From here on, this is the current frame, or request. */
  takeUp(waiting: Waiting): void {
    this.#atHand = waiting;
  }

  /** Decodes the current frame. */
  read(isFirst: boolean): Decoded {
    const { frames } = this.#counters;
    const { asks } = this.#dialect;
    if (!Buffer.isBuffer(this.#atHand)) {
      frames.of(asks).inc();
      return { kind: "request", request: this.#atHand!, ref: undefined };
    }
    const { decoded, dialect } = this.#decode(this.#atHand, isFirst);
    frames.of(decoded.kind === "request" ? asks : decoded.kind).inc();
    this.#speak(dialect);
    return decoded;
  }

  countRefused(): void {
    this.#counters.frames.of("refused").inc();
  }

  /** The answer to the current frame, which is too much. */
  refuse(waitMs: number): Frame | undefined {
    if (!Buffer.isBuffer(this.#atHand)) return undefined;
    return this.#framed(this.#dialect.encodeTooFast(this.#atHand, waitMs));
  }

  encodeOutput(output: Output, to: Listener): Frame | undefined {
    return this.#framed(this.#dialect.encodeOutput(output, to));
  }

  /** Frames a payload that the dialect has encoded before. */
  answer(payload: Uint8Array): Frame {
    return frameOf(payload, this.#dialect.frames);
  }

  /** Whether it is a message to everybody. */
  isToAll(waiting: Waiting): boolean {
    const command = this.#commandOf(waiting, false);
    return command !== undefined && isToAll(command);
  }

  /** Whether it cannot be read. */
  isWaste(waiting: Waiting, isFirst: boolean): boolean {
    const decoded = this.#decodeAhead(waiting, isFirst);
    return decoded?.kind === "ignored" || decoded?.kind === "bad";
  }

  /** Whether it only asks, and changes nothing. */
  isQuestion(waiting: Waiting, isFirst: boolean): boolean {
    const command = this.#commandOf(waiting, isFirst);
    return command !== undefined && isQuestion(command);
  }

  isList(waiting: Waiting, isFirst: boolean): boolean {
    return this.#commandOf(waiting, isFirst)?.type === "list";
  }

  /** The private message that it sends, if it is one: to whom, and how many bytes. */
  messageOf(waiting: Waiting, isFirst: boolean): { to: Name; bytes: number } | undefined {
    const command = this.#commandOf(waiting, isFirst);
    return command === undefined ? undefined : privateMessageOf(command);
  }

  /** The command by which the client sets a status, if it is one. */
  statusOf(waiting: Waiting, isFirst: boolean): StatusCommand | undefined {
    const command = this.#commandOf(waiting, isFirst);
    return command?.type === "status" ? command : undefined;
  }

  #commandOf(waiting: Waiting, isFirst: boolean): ChatCommand | undefined {
    const decoded = this.#decodeAhead(waiting, isFirst);
    if (decoded?.kind !== "request" || decoded.request.type !== "command") return undefined;
    return decoded.request.command;
  }

  /** Decodes a frame before it is taken; {@link read} has it at hand then. */
  #decodeAhead(waiting: Waiting, isFirst: boolean): Decoded | undefined {
    if (!Buffer.isBuffer(waiting)) return undefined;
    if (this.#ahead?.frame !== waiting) {
      try {
        this.#ahead = { frame: waiting, read: this.#dialect.decodeRequest(waiting, isFirst) };
      } catch {
        return undefined; // a bug: it comes up again when it is the frame's turn
      }
    }
    return this.#ahead.read.decoded;
  }

  #decode(frame: Buffer, isFirst: boolean): Read {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.frame === frame ? ahead.read : this.#dialect.decodeRequest(frame, isFirst);
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
