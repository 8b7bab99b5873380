import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Keepalive } from "#tertulia/gateway/keepalive.js";
import {
  kernelAddress,
  keyOf,
  unacknowledgedBy,
  unacknowledgedIn,
} from "#tertulia/gateway/unacknowledged.js";
import { eventually } from "../support/eventually.js";
import { upgradeRequest } from "../support/raw-socket.js";

vi.mock(import("node:fs/promises"), async (original) => {
  const all = await original();
  return { ...all, readFile: vi.fn(all.readFile) as typeof all.readFile };
});

test.each([
  ["127.0.0.1", "0100007F"],
  ["192.0.2.7", "070200C0"],
  ["::1", "00000000000000000000000001000000"],
  ["::ffff:192.0.2.7", "0000000000000000FFFF0000070200C0"],
  ["2001:db8::7", "B80D0120000000000000000007000000"],
  ["fe80::1:2%eth0", "000080FE000000000000000002000100"],
])("the kernel writes %s as %s", (address, expected) => {
  expect(kernelAddress(address)).toBe(expected);
});

/** Three connections of one client's port: idle, with bytes under way, and with bytes sent again three times. */
const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 00 100 0 0 10 0
   1: 0A00000A:2328 0B00000A:C350 01 00000000:00000000 02:00000A00 00000000     0        0 12 2 00 20 4 30 10 -1
   2: 0A00000A:2328 0C00000A:C350 01 00000009:00000000 01:00000014 00000000     0        0 13 2 00 20 4 30 10 -1
  10: 0A00000A:2329 0D00000A:C350 01 00000009:00000000 01:00000014 00000009     0        0 14 2 00 20 4 30 10 -1
  11: 0A00000A:2328 0D00000A:C350 01 00000009:00000000 01:00000014 00000003     0        0 15 2 00 20 4 30 10 -1
`;

test.each([
  ["10.0.0.11", undefined],
  ["10.0.0.12", { bytes: 9, resent: 0 }],
  ["10.0.0.13", { bytes: 9, resent: 3 }],
  ["10.0.0.14", undefined],
])("what %s has not acknowledged is read from the kernel's table: %j", (address, expected) => {
  const found = unacknowledgedIn(TABLE).get(keyOf(9_000, `${kernelAddress(address)}:C350`));
  expect(found).toEqual(expected);
});

test.runIf(process.platform === "linux").each(["127.0.0.1", "::1", "::"])(
  "a live machine acknowledges bytes that its client does not read, on %s",
  async (host) => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    const client = connect(
      (server.address() as AddressInfo).port,
      host === "::" ? "127.0.0.1" : host,
    );
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.on("error", () => {}); // unread bytes make the end a reset
    client.pause();
    socket.write("hello");
    await eventually(async () => {
      expect(await unacknowledgedBy(socket)).toEqual({ bytes: 0, resent: 0 });
    });
    client.destroy();
    server.close();
  },
);

test("queries in the same moment share one read of the kernel's table", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  vi.mocked(readFile).mockClear();
  const ask = () => unacknowledgedBy(socket);
  await Promise.all(Array.from({ length: 500 }, ask));
  expect(vi.mocked(readFile)).toHaveBeenCalledTimes(1);
  await ask();
  expect(vi.mocked(readFile)).toHaveBeenCalledTimes(2);
  client.destroy();
  server.close();
});

/** A connection whose client says nothing by itself. */
async function silence(): Promise<{
  webSocket: WebSocket;
  socket: Socket;
  far: Socket;
  end: () => void;
}> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  far.on("error", () => {}); // seen as the close that follows
  far.write(upgradeRequest("/"));
  const [webSocket, { socket }] = (await once(server, "connection")) as [
    WebSocket,
    IncomingMessage,
  ];
  await once(far, "readable");
  const end = (): void => {
    far.destroy();
    webSocket.terminate();
    server.close();
  };
  return { webSocket, socket, far, end };
}

/** Until it was heard more than half a second ago. */
function untilStale(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 550));
}

test.each([
  ["nothing is sent again", [0], true],
  ["it is acknowledged late", [1, 0], true],
  ["it is sent again in vain", [2, 3], false],
])("whether a client without pings is there, if %s", async (_, found, isThere) => {
  const { webSocket, socket, far, end } = await silence();
  const keepalive = new Keepalive({ put: () => webSocket.terminate() });
  const resent = found[Symbol.iterator]();
  keepalive.attach(webSocket, socket, async () => ({ bytes: 1, resent: resent.next().value ?? 0 }));
  for (const sign of ["message", "pong"]) webSocket.on(sign, () => keepalive.heard());
  await untilStale();
  const closed = once(far, "close");
  expect(await keepalive.survives(() => webSocket.send("a nudge"))).toBe(isThere);
  far.resume();
  if (!isThere) await closed;
  expect(webSocket.readyState === WebSocket.OPEN).toBe(isThere);
  end();
});

test.each([
  ["takes what was sent to it before, slowly, is there", true],
  ["takes nothing any more is not there", false],
])("a client that may be pinged and %s", async (_, isReading) => {
  const { webSocket, socket, far, end } = await silence();
  const keepalive = new Keepalive({ put: () => webSocket.terminate() });
  keepalive.attach(webSocket, socket);
  for (const sign of ["message", "pong"]) webSocket.on(sign, () => keepalive.heard());
  await untilStale();
  // more than the kernel keeps for both
  for (let i = 0; i < 1_024; i++) webSocket.send(Buffer.alloc(65_536));
  const reading = setInterval(() => isReading && far.read(), 10);
  expect(await keepalive.answers()).toBe(isReading);
  clearInterval(reading);
  end();
});
