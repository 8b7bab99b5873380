/** The TCP connection of a history: what a client would see of it, and what it does. */
import { Duplex } from "node:stream";
import { describeBytes } from "./byte-notation.js";

type Done = (error?: Error | null) => void;

/** RFC 6455 §5.2 */
const OP = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** In place of a `net.Socket`; the client's side of it says what it sees. */
export class ClientSocket extends Duplex {
  readonly remoteAddress = "192.0.2.1";
  readonly #sees: (what: string) => void;
  #isStalled = false;
  #taken = 0;
  #received = Buffer.alloc(0);
  #isUpgraded = false;
  readonly #waiting: (() => void)[] = [];

  constructor(sees: (what: string) => void) {
    super({ allowHalfOpen: true, highWaterMark: 16_384 });
    this.#sees = sees;
  }

  /** As a `net.Socket` counts: what is queued too. */
  get bytesWritten(): number {
    return this.#taken + this.writableLength;
  }

  /** Takes nothing from here on. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Takes what was written at once, and stays slow. */
  takeSome(): void {
    this.#waiting.shift()?.();
  }

  takeAll(): void {
    this.#isStalled = false;
    while (this.#waiting.length > 0) this.takeSome();
  }

  sendFrame(payload: Uint8Array, kind: keyof typeof OP): void {
    this.push(masked(OP[kind], payload));
  }

  sendClose(code: number | undefined): void {
    const payload = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) payload.writeUInt16BE(code);
    this.push(masked(OP.close, payload));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#soon(() => {
      this.#taken += chunk.length;
      this.#receive(chunk);
      done();
    });
  }

  override _final(done: Done): void {
    this.#soon(() => {
      this.#sees("end");
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.writableFinished || !this.readableEnded) this.#sees("cut");
    this.#waiting.length = 0;
    done(error);
  }

  #soon(take: () => void): void {
    if (this.#isStalled) this.#waiting.push(take);
    else take();
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#isUpgraded) this.#receiveHead();
    while (this.#isUpgraded && this.#receiveFrame());
  }

  #receiveHead(): void {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return;
    const status = this.#received.toString("latin1", 9, 12);
    const body = this.#received.toString("utf8", end + 4).trim();
    this.#isUpgraded = status === "101";
    this.#sees(this.#isUpgraded ? status : `${status} ${body}`);
    this.#received = this.#isUpgraded ? this.#received.subarray(end + 4) : Buffer.alloc(0);
  }

  #receiveFrame(): boolean {
    const bytes = this.#received;
    if (bytes.length < 2) return false;
    const short = bytes[1]! & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(2)
          : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return false;
    this.#received = bytes.subarray(start + length);
    this.#sees(described(bytes[0]! & 0x0f, bytes.subarray(start, start + length)));
    return true;
  }
}

function described(op: number, payload: Buffer): string {
  switch (op) {
    case OP.text:
      return payload.toString();
    case OP.binary:
      return describeBytes(payload);
    case OP.close:
      if (payload.length === 0) return "close";
      return `close ${payload.readUInt16BE(0)} ${payload.toString("utf8", 2)}`.trim();
    case OP.ping:
      return "ping";
    case OP.pong:
      return "pong";
    default:
      return `frame with op ${op}`;
  }
}

/** Under the mask 0, which leaves the payload as it is. */
function masked(op: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 6 : 8);
  header[0] = 0x80 | op;
  if (length < 126) header[1] = 0x80 | length;
  else {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(length, 2);
  }
  return Buffer.concat([header, payload]);
}
