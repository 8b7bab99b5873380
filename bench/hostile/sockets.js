/** What an attacker writes: frames as bytes, and sockets that care for no answer. */
import { connect } from "node:net";

/** So much may wait in one socket of an attacker before it pauses. */
const WAITING_BYTES = 256 * 1024;

/** A frame of a client, masked with zeros. `opcode`: with the FIN bit, 0x82 is a whole binary frame. */
export function frame(payload, opcode = 0x82) {
  const { length } = payload;
  const mask = [0, 0, 0, 0];
  if (length < 126) return Buffer.concat([Buffer.from([opcode, 0x80 | length, ...mask]), payload]);
  if (length < 65_536) {
    const head = Buffer.from([opcode, 0xfe, length >> 8, length & 255, ...mask]);
    return Buffer.concat([head, payload]);
  }
  const head = Buffer.alloc(14);
  head[0] = opcode;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A request of a byte client; strings get their length byte. */
export function op(...parts) {
  const bytes = parts.map((part) => {
    if (typeof part === "number") return Buffer.from([part]);
    const text = Buffer.from(part);
    return Buffer.concat([Buffer.from([text.length]), text]);
  });
  return frame(Buffer.concat(bytes));
}

export function json(request) {
  return frame(Buffer.from(JSON.stringify(request)), 0x81);
}

/** The same frames again and again, some 32 kB. */
export function many(...frames) {
  const once = Buffer.concat(frames);
  return Buffer.concat(Array.from({ length: Math.ceil(32_768 / once.length) }, () => once));
}

export function upgradeRequest(target, subprotocol) {
  const offer = subprotocol === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  return (
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`
  );
}

/** Addresses of the loopback, so that an attacker is somebody else than the honest clients. */
export function addresses(first, count) {
  const [a, b, c, d] = first.split(".").map(Number);
  return Array.from({ length: count }, (_, i) => {
    const last = d + i;
    return `${a}.${b}.${c + Math.floor(last / 250)}.${(last % 250) + (last >= 250 ? 1 : 0)}`;
  });
}

/**
 * Connects, asks for an upgrade and resolves with the socket once that is answered with 101, else with undefined.
 * What comes then is read and dropped, unless `reads` is false. `counts`: opened, refused, ended, receivedBytes.
 */
export async function dial({ port, from, target, subprotocol, first, reads = true }, counts) {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true });
  socket.on("error", () => {});
  socket.write(upgradeRequest(target, subprotocol));
  const answer = await answerOf(socket);
  if (!answer.startsWith("HTTP/1.1 101")) {
    counts.refused++;
    counts.answers[answer.slice(9, 12) || "cut"] =
      (counts.answers[answer.slice(9, 12) || "cut"] ?? 0) + 1;
    socket.destroy();
    return undefined;
  }
  counts.opened++;
  socket.once("close", () => counts.ended++);
  if (first !== undefined) socket.write(first);
  if (reads) socket.on("data", (chunk) => (counts.receivedBytes += chunk.length));
  else socket.pause();
  return socket;
}

/** The beginning of the first answer; "" if the socket ends first. */
function answerOf(socket) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(""), 10_000);
    const done = (text) => {
      clearTimeout(timer);
      socket.off("data", heard);
      socket.off("close", ended);
      resolve(text);
    };
    const heard = (chunk) => done(chunk.toString("latin1"));
    const ended = () => done("");
    socket.once("data", heard).once("close", ended);
  });
}

/** Writes this again and again, as fast as it is taken. */
export function flood(socket, chunk, counts, framesOfChunk) {
  const go = () => {
    while (!socket.destroyed && socket.writableLength < WAITING_BYTES) {
      socket.write(chunk);
      counts.frames += framesOfChunk;
    }
  };
  socket.on("drain", go);
  go();
}
