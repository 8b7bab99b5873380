/** A client that says what it likes, byte by byte, from an address of its own; what it hears is told in stable words. */
import { connect, type Socket } from "node:net";
import { upgradeRequest } from "../support/raw-socket.js";

/** A frame of the server. */
export interface Heard {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface LastRequest {
  readonly frame: Buffer;
  readonly isAnswer: (heard: Heard) => boolean;
}

const ANSWER_WITHIN_MS = 20_000;
const [CLOSE, PING, PONG] = [8, 9, 10];
/** With FIN. */
export const [TEXT, BINARY] = [0x81, 0x82];

/** A frame of a client, masked with zeros. */
export function clientFrame(
  payload: Uint8Array | string | readonly number[],
  first: number = BINARY,
): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload);
  const { length } = bytes;
  if (length < 126) return Buffer.concat([Buffer.from([first, 0x80 | length, 0, 0, 0, 0]), bytes]);
  const head = Buffer.from([first, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]);
  if (length < 65_536) return Buffer.concat([head, bytes]);
  return Buffer.concat([longHead(first, BigInt(length)), bytes]);
}

/** The head of a frame that says it has so many bytes, in 64 bits. */
export function longHead(first: number, length: bigint): Buffer {
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0xff;
  head.writeBigUInt64BE(length, 2);
  return head;
}

export function jsonFrame(request: unknown): Buffer {
  return clientFrame(typeof request === "string" ? request : JSON.stringify(request), TEXT);
}

export class Rogue {
  readonly frames: Heard[] = [];
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #isUpgraded = false;
  #isEnded = false;
  #wakes: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {}); // `close` tells
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      if (this.#isUpgraded) this.#parse();
      this.#wake();
    });
    socket.on("close", () => this.#end());
    socket.on("end", () => this.#end());
  }

  static async open(port: number, localAddress: string): Promise<Rogue> {
    const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true });
    const rogue = new Rogue(socket);
    await rogue.#until(() => !socket.connecting || rogue.#isEnded);
    return rogue;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  write(bytes: Uint8Array | string): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Written in pieces of this size: a gateway that stops reading stops this, too. */
  async writeAll(bytes: Buffer, pieceBytes = 65_536): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isEnded; at += pieceBytes) {
      if (this.socket.write(bytes.subarray(at, at + pieceBytes))) continue;
      await this.#until(() => this.socket.writableLength === 0 || this.#isEnded, true);
    }
  }

  /** The status of the first answer, or that the connection was cut without one. */
  async status(): Promise<string> {
    await this.#until(() => this.#bytes.includes("\r\n\r\n") || this.#isEnded);
    return /^HTTP\/1\.1 (\d+)/.exec(this.#bytes.toString("latin1"))?.[1] ?? "cut";
  }

  /** The status, and that of each further answer, once the connection has ended. */
  async statuses(): Promise<string> {
    await this.ended();
    const text = this.#bytes.toString("latin1");
    const all = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    return all.length === 0 ? "cut" : all.join(", ");
  }

  get head(): string {
    return this.#bytes.toString("latin1").split("\r\n\r\n")[0] ?? "";
  }

  /** Returns the status. */
  async upgrade(target: string, more = ""): Promise<string> {
    this.write(upgradeRequest(target, more));
    const status = await this.status();
    if (status === "101") {
      this.#bytes = this.#bytes.subarray(this.#bytes.indexOf("\r\n\r\n") + 4);
      this.#isUpgraded = true;
      this.#parse();
    }
    return status;
  }

  async ended(): Promise<void> {
    await this.#until(() => this.#isEnded);
  }

  /** A frame for which this holds has come, or the connection has ended. */
  async heard(isWanted: (frame: Heard) => boolean): Promise<void> {
    await this.#until(() => this.frames.some(isWanted) || this.#isEnded);
  }

  /**
   * What became of the connection: it answers a request that stands behind all others, or was closed with a code, or cut
   * without one. `request`: a ping, unless the gateway would answer that before what was asked.
   */
  async fate(request?: LastRequest): Promise<string> {
    const pinged = `still there ${Math.random()}`;
    const isAnswer =
      request?.isAnswer ??
      (({ opcode, payload }: Heard) => opcode === PONG && payload.toString() === pinged);
    this.write(request?.frame ?? clientFrame(pinged, 0x80 | PING));
    await this.heard((heard) => heard.opcode === CLOSE || isAnswer(heard));
    const answer = this.frames.findIndex(isAnswer);
    if (answer !== -1) this.frames.splice(answer, 1);
    const close = this.frames.find(({ opcode }) => opcode === CLOSE);
    if (close !== undefined) {
      return close.payload.length < 2 ? "closed" : `closed with ${close.payload.readUInt16BE(0)}`;
    }
    return answer === -1 ? "cut" : "lives";
  }

  destroy(): void {
    this.socket.destroy();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake();
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }

  async #until(isTrue: () => boolean, isDraining = false): Promise<void> {
    const until = performance.now() + ANSWER_WITHIN_MS;
    if (isDraining) this.socket.once("drain", () => this.#wake());
    while (!isTrue()) {
      if (performance.now() > until) throw new Error(`no answer in ${ANSWER_WITHIN_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#wakes.push(() => {
          clearTimeout(timer);
          resolve();
        });
        if (this.socket.connecting) this.socket.once("connect", () => this.#wake());
      });
    }
  }

  /** Frames of the server: not masked, never fragmented. */
  #parse(): void {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      let length = bytes[1]! & 127;
      let head = 2;
      if (length === 126) {
        if (bytes.length < 4) return;
        [length, head] = [bytes.readUInt16BE(2), 4];
      } else if (length === 127) {
        if (bytes.length < 10) return;
        [length, head] = [Number(bytes.readBigUInt64BE(2)), 10];
      }
      if (bytes.length < head + length) return;
      this.frames.push({ opcode: bytes[0]! & 15, payload: bytes.subarray(head, head + length) });
      this.#bytes = bytes.subarray(head + length);
    }
  }
}
