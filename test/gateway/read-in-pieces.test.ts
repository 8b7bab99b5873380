/** What comes in one read is passed on in pieces, over real sockets. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { readInPieces, unread } from "#tertulia/gateway/read-in-pieces.js";
import { eventually } from "../support/eventually.js";

/** Longer than any read of Node, and no multiple of a piece. */
const BYTES = Buffer.from(Array.from({ length: 200_001 }, (_, i) => i % 251));
const [PIECE_BYTES, LAST_BYTES] = [1_024, 8_192];

/** The two ends of a connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  far.on("error", () => {});
  near.on("error", () => {});
  onTestFinished(() => {
    for (const each of [near, far]) each.destroy();
    server.close();
  });
  return { near, far };
}

function piecesOf(socket: Socket): Buffer[] {
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  return pieces;
}

test("all that comes is passed on, in order, and no piece is longer than it may be", async () => {
  const { near, far } = await pair();
  readInPieces(near);
  const pieces = piecesOf(near);
  near.resume();
  far.end(BYTES);
  await once(near, "end");
  expect(Buffer.concat(pieces).equals(BYTES)).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBe(PIECE_BYTES);
});

test("behind a pause nothing is passed on, and all the rest behind the resume", async () => {
  const { near, far } = await pair();
  readInPieces(near);
  const pieces = piecesOf(near);
  near.on("data", () => near.pause());
  near.resume();
  far.end(BYTES);
  await once(near, "data");
  await eventually(() => expect(near.readableLength).toBeGreaterThan(PIECE_BYTES));
  expect(pieces).toHaveLength(1);
  near.resume();
  await once(near, "data");
  expect(pieces).toHaveLength(2);
  near.removeAllListeners("data");
  near.on("data", (piece: Buffer) => void pieces.push(piece));
  near.resume();
  await once(near, "end");
  expect(Buffer.concat(pieces).equals(BYTES)).toBe(true);
});

test("what was read too much comes back in pieces, before the rest", async () => {
  const { near, far } = await pair();
  readInPieces(near);
  far.end(BYTES);
  await once(near, "readable");
  const read = near.read() as Buffer;
  unread(near, read);
  const pieces = piecesOf(near);
  near.resume();
  await once(near, "end");
  expect(Buffer.concat(pieces).equals(BYTES)).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBe(PIECE_BYTES);
});

test("of a connection that is cut while it is paused, a little more is passed on, and the rest is lost", async () => {
  const { near, far } = await pair();
  readInPieces(near);
  const pieces = piecesOf(near);
  near.on("data", () => near.pause());
  near.resume();
  far.write(BYTES);
  await once(near, "data");
  await eventually(() => expect(near.readableLength).toBeGreaterThan(LAST_BYTES));
  let left: number | undefined;
  near.on("close", () => (left = near.readableLength));
  near.destroy();
  await eventually(() => expect(left).toBe(0));
  expect(pieces).toHaveLength(2);
  const last = PIECE_BYTES + LAST_BYTES;
  expect(Buffer.concat(pieces).equals(BYTES.subarray(0, last))).toBe(true);
});
