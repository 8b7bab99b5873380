/** A crowd of classic clients that cost little: raw sockets, frames of one size that are counted. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Every text says when it was sent, and is as long as every other. */
const TEXT_BYTES = 64;
const NAME_BYTES = 6;
/** Header, code, and the two fields of a 55. */
const FRAME_BYTES = 2 + 1 + 1 + NAME_BYTES + 1 + TEXT_BYTES;
const QUIET_MS = 300;
const ARRIVES_WITHIN_MS = 30_000;

export class Crowd {
  #clients;
  #port;
  #heardBytes = 0;
  #latencies = [];
  #isTimed = false;

  constructor(port, size) {
    this.#port = port;
    this.#clients = Array.from({ length: size }, (_, index) => ({ name: nameOf(index) }));
  }

  /** All are connected, and have heard of one another. */
  async join() {
    for (const client of this.#clients) client.socket = await this.#connect(client.name);
    await this.#untilQuiet();
  }

  /** Messages at an even rate, by each in turn: to everybody (`~`), or each to the next. */
  async talk({ rate, seconds, to }) {
    this.#heardBytes = 0;
    this.#latencies = [];
    this.#isTimed = true;
    const size = this.#clients.length;
    const began = performance.now();
    let sent = 0;
    for (let due = 0; due < rate * seconds;) {
      due = Math.min(rate * seconds, ((performance.now() - began) * rate) / 1_000);
      for (; sent < due; sent++) {
        const other = this.#clients[(sent + 1) % size].name;
        this.#clients[sent % size].socket.write(message(to === "~" ? "~" : other));
      }
      await pause(1);
    }
    const expected = sent * (to === "~" ? size : 2);
    const until = performance.now() + ARRIVES_WITHIN_MS;
    while (this.#heardBytes < expected * FRAME_BYTES && performance.now() < until) await pause(5);
    await this.#untilQuiet();
    this.#isTimed = false;
    const delivered = this.#heardBytes / FRAME_BYTES;
    if (delivered !== expected) throw new Error(`${delivered} deliveries instead of ${expected}`);
    return { sent, delivered, latencies: this.#latencies };
  }

  leave() {
    for (const { socket } of this.#clients) socket?.destroy();
  }

  #connect(name) {
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    socket.write(
      `GET /?name=${name} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    const answered = once(socket, "data");
    return answered.then(([answer]) => {
      if (!String(answer).startsWith("HTTP/1.1 101")) throw new Error(String(answer));
      socket.on("data", (bytes) => this.#hear(bytes));
      return socket;
    });
  }

  #hear(bytes) {
    this.#heardBytes += bytes.length;
    // the last frame is whole more often than not; a sample will do
    const at = bytes.length - TEXT_BYTES;
    if (!this.#isTimed || at < 0 || bytes[at] !== 0x40) return;
    const sentAt = Number(bytes.toString("latin1", at + 1, at + 16));
    if (sentAt > 0) this.#latencies.push(performance.now() - sentAt);
  }

  async #untilQuiet() {
    for (let heard = -1; heard !== this.#heardBytes;) {
      heard = this.#heardBytes;
      await pause(QUIET_MS);
    }
  }
}

function nameOf(index) {
  return `u${String(index).padStart(NAME_BYTES - 1, "0")}`;
}

/** An op 4 in a masked frame; the mask is zero, which leaves bytes as they are. RFC 6455 §5.3. */
function message(to) {
  const text = `@${performance.now().toFixed(4).padStart(15, "0")}`.padEnd(TEXT_BYTES, "x");
  const payload = Buffer.concat([
    Buffer.from([4, to.length]),
    Buffer.from(to),
    Buffer.from([text.length]),
    Buffer.from(text),
  ]);
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
