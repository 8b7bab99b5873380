/**
 * What we lean on in `ws` and Node beyond what they promise: ARCHITECTURE.md, libraries' internals. A test that
 * fails here after an update says which line of ours has to change.
 */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer, type Server, type ServerOptions } from "ws";
import { AnsweringSocket, type WebSocketOwner } from "#tertulia/gateway/answering-socket.js";
import { frameOf } from "#tertulia/gateway/frame.js";
import { mendOffer } from "#tertulia/gateway/handshake.js";
import { takenByKernel, type CloseTimeout } from "#tertulia/gateway/library-internals.js";
import { eventually } from "../support/eventually.js";
import { CLOSE_FRAME, upgradeRequest } from "../support/raw-socket.js";

type Options = ServerOptions<typeof AnsweringSocket> & CloseTimeout;

const BASE: Options = {
  WebSocket: AnsweringSocket,
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  closeTimeout: 2_000,
};

/** Hears of nothing, and never answers. */
const OWNER: WebSocketOwner = {
  closeReceived: () => new Promise(() => {}),
  heard: () => {},
  failed: () => {},
  closed: () => {},
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

test("ws answers a close frame by calling close() of the class it was given", async () => {
  const { webSocket, socket, client, received } = await connected();
  const codes: number[] = [];
  let answer = (): void => {};
  webSocket.serve(socket, {
    ...OWNER,
    closeReceived: (code) => {
      codes.push(code);
      return new Promise((resolve) => (answer = resolve));
    },
  });
  client.write(CLOSE_FRAME);
  await eventually(() => expect(codes).toEqual([1005]));
  expect(webSocket.readyState).toBe(AnsweringSocket.OPEN); // what was asked before is still answered
  expect(received()).toBe("");
  answer();
  await eventually(() => expect(received()).toBe("8800"));
});

test("a client that hangs up behind its close frame is answered all the same", async () => {
  const { webSocket, socket, client, received } = await connected();
  let answer = (): void => {};
  const closeReceived = (): Promise<void> => new Promise((resolve) => (answer = resolve));
  webSocket.serve(socket, { ...OWNER, closeReceived });
  client.end(CLOSE_FRAME);
  await eventually(() => expect(socket.readableEnded).toBe(true));
  answer();
  await eventually(() => expect(received()).toBe("8800"));
  await eventually(() => expect(client.closed).toBe(true));
});

test("a close of the library's own, for a broken frame, does not wait", async () => {
  const { webSocket, socket, client, received } = await connected();
  webSocket.serve(socket, OWNER);
  client.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
  await eventually(() => expect(received()).toBe("880203ea")); // 1002
});

test("Node calls push of a socket with what it has read", async () => {
  const { socket, client } = await connected();
  const pushed: Buffer[] = [];
  socket.push = (bytes: Buffer) => pushed.push(bytes) < 0;
  client.write("ab");
  await eventually(() => expect(Buffer.concat(pushed).toString()).toBe("ab"));
});

test("without compression ws has no queue of its own: frames beside it keep their order", async () => {
  const { webSocket, socket, received } = await connected();
  const frame = frameOf(Buffer.from("a"), "binary");
  socket.write(frame);
  const before = socket.bytesWritten;
  webSocket.ping();
  expect(socket.bytesWritten - before).toBe(2); // at once
  socket.write(frame);
  webSocket.close(1000);
  await eventually(() => expect(received()).toBe("8201618900820161880203e8"));
});

test("closeTimeout, which the types do not know, cuts a client that does not answer a close", async () => {
  const { webSocket, client } = await connected({ closeTimeout: 100 });
  // @ts-expect-error -- once this line fails, the types know it, and library-internals.ts need not add it
  const typed: ServerOptions = { closeTimeout: 100 };
  expect(typed).toBeDefined();
  webSocket.close(1012);
  const since = performance.now();
  await once(client, "close");
  expect(performance.now() - since).toBeLessThan(1_900);
});

test("ws reads the subprotocols from the request's headers, and refuses a list with empty places", async () => {
  await expect(connected({}, ", ws-protocol")).rejects.toThrow("400");
  const { webSocket } = await connected({}, ", ws-protocol", (request) =>
    mendOffer(request, ["ws-protocol"]),
  );
  expect(webSocket.protocol).toBe("ws-protocol");
});

test("Node's sockets tell how many queued bytes the kernel has taken", async () => {
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  cleanups.push(() => server.close());
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port);
  cleanups.push(() => socket.destroy());
  const [silent] = await accepted;
  cleanups.push(() => silent.destroy());
  const bytes = 64 * 1024 * 1024;
  socket.write(Buffer.alloc(bytes));
  await eventually(() => {
    expect(takenByKernel(socket)).toBeGreaterThan(0);
    expect(takenByKernel(socket)).toBeLessThan(bytes);
  });
  // and this is why: what was queued together counts as whole until all of it has left
  expect(socket.writableLength).toBe(bytes);
});

interface Connected {
  readonly webSocket: AnsweringSocket;
  /** Of the server. */
  readonly socket: Socket;
  readonly client: Socket;
  /** What the client has received behind the 101, in hex. */
  readonly received: () => string;
}

/** A WebSocket as the gateway makes it, and the bytes that its client sees. */
async function connected(
  options: Partial<Options> = {},
  offer?: string,
  mend: (request: Parameters<Server["handleUpgrade"]>[0]) => void = () => {},
): Promise<Connected> {
  const http = createHttpServer();
  const webSockets = new WebSocketServer({ ...BASE, ...options });
  const upgraded = new Promise<{ webSocket: AnsweringSocket; socket: Socket }>((resolve) => {
    http.on("upgrade", (request, socket: Socket, head) => {
      mend(request);
      webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        resolve({ webSocket, socket }),
      );
    });
  });
  await new Promise<void>((resolve) => http.listen(0, resolve));
  const client = connect((http.address() as AddressInfo).port);
  cleanups.push(
    () => client.destroy(),
    () => http.close(),
  );
  let bytes = "";
  client.on("data", (chunk: Buffer) => (bytes += chunk.toString("latin1")));
  const header = offer === undefined ? "" : `Sec-WebSocket-Protocol: ${offer}\r\n`;
  client.write(upgradeRequest("/", header));
  await eventually(() => expect(bytes).toContain("\r\n\r\n"));
  if (!bytes.startsWith("HTTP/1.1 101")) throw new Error(bytes);
  const headEnd = bytes.indexOf("\r\n\r\n") + 4;
  const { webSocket, socket } = await upgraded;
  return {
    webSocket,
    socket,
    client,
    received: () => Buffer.from(bytes.slice(headEnd), "latin1").toString("hex"),
  };
}
