/**
 * The head of a request: read in bounds, up to its blank line and no byte further. A connection has one request: what
 * is behind its head is never read as another one, nor as the body of this one.
 */
import type { Socket } from "node:net";
import { unread } from "./read-in-pieces.js";
import { mendedLine } from "./request-line.js";

/** 414: a long first line. 431: a long head, or one of many fields. 400 and 405: see {@link mendedLine}. */
export type HeadStatus = 400 | 405 | 414 | 431;

/** `method`: what the request begins with; perhaps nothing that is a method. */
interface Refused {
  readonly type: "refused";
  readonly status: HeadStatus;
  readonly method: string;
}

type Read = { readonly type: "head"; readonly bytes: Buffer; readonly rest: Buffer } | Refused;

const MAX_LINE_BYTES = 8_192;
const MAX_HEAD_BYTES = 16_384;
/** As Apache's LimitRequestFields. */
const MAX_FIELDS = 100;
const [LF, CR] = [0x0a, 0x0d];
const CRLF = Buffer.from("\r\n");
/** Of longer methods none is known. */
const MAX_METHOD_BYTES = 16;
/** Asks for another protocol than WebSocket, and that is nothing else. RFC 9110 §7.8: it may be ignored. */
const OTHER_UPGRADE = /^upgrade:(?!.*websocket)[\t\x20-\x7e]*\r\n$/i;

/**
 * Reads the head; what is behind it stays in the socket. Calls back once, with the head or the status with which it is
 * refused; never, if the client ends before: then the socket is destroyed. The deadline is its owner's.
 */
export function readHead(socket: Socket, onRead: (head: Buffer | Refused) => void): void {
  const reader = new HeadReader();
  const stop = (): void => {
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
  };
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read()) {
      const read = reader.take(chunk);
      if (read === undefined) continue;
      stop();
      if (read.type === "refused") return onRead(read);
      unread(socket, read.rest);
      return onRead(read.bytes);
    }
  };
  const onEnd = (): void => void socket.destroy();
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}

/** Takes what comes until the head is whole. Knows no socket. */
export class HeadReader {
  /** The line that has not ended yet, as it came: perhaps byte by byte. */
  #line: Buffer[] = [];
  /** Of the whole head. */
  #bytes = 0;
  #lines: Buffer[] = [];
  /** Before the first line. */
  #emptyLines = 0;

  /** Returns undefined while the head is not whole. */
  take(chunk: Buffer): Read | undefined {
    let from = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
      const status = this.#take(chunk.subarray(from, end + 1)) ?? this.#endLine();
      from = end + 1;
      if (typeof status === "number") return this.#refused(status);
      if (status === "whole")
        return { type: "head", bytes: Buffer.concat(this.#lines), rest: chunk.subarray(from) };
    }
    const status = this.#take(chunk.subarray(from));
    return status && this.#refused(status);
  }

  #refused(status: HeadStatus): Refused {
    const first = this.#lines[0] ?? Buffer.concat(this.#line);
    const [method = ""] = first.toString("latin1", 0, MAX_METHOD_BYTES).split(" ");
    return { type: "refused", status, method };
  }

  #take(bytes: Buffer): HeadStatus | undefined {
    this.#line.push(bytes);
    this.#bytes += bytes.length;
    if (this.#lines.length === 0)
      return this.#bytes > MAX_LINE_BYTES + CRLF.length ? 414 : undefined;
    return this.#bytes > MAX_HEAD_BYTES ? 431 : undefined;
  }

  /** A line feed alone ends no line: to others it might, and then they would read another request. RFC 9112 §2.2. */
  #endLine(): HeadStatus | "whole" | undefined {
    const line = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line);
    if (line.at(-2) !== CR) return 400;
    if (this.#lines.length > 0) {
      this.#line = [];
      if (OTHER_UPGRADE.test(line.toString("latin1"))) return undefined;
      this.#lines.push(line);
      if (line.length === CRLF.length) return "whole";
      return this.#lines.length > MAX_FIELDS + 1 ? 431 : undefined;
    }
    if (line.length === CRLF.length && this.#emptyLines === 0) return this.#skip();
    const mended = mendedLine(line.subarray(0, -CRLF.length));
    if (typeof mended === "number") return mended;
    this.#line = [];
    this.#lines.push(Buffer.concat([mended, CRLF]));
    return undefined;
  }

  /** Clients of old send an empty line behind a body, and so before the next request. RFC 9112 §2.2. */
  #skip(): undefined {
    this.#emptyLines++;
    this.#line = [];
    this.#bytes = 0;
  }
}
