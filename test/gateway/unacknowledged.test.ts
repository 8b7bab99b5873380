import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Pulse } from "#tertulia/gateway/pulse.js";
import { kernelAddress, resentIn, resentTo } from "#tertulia/gateway/unacknowledged.js";
import { eventually } from "../support/eventually.js";

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
  ["10.0.0.11", 0],
  ["10.0.0.12", 0],
  ["10.0.0.13", 3],
  ["10.0.0.14", 0],
])("what was sent to %s again is read from the kernel's table: %i times", (address, expected) => {
  expect(resentIn(TABLE, 9_000, `${kernelAddress(address)}:C350`)).toBe(expected);
});

test.runIf(process.platform === "linux").each(["127.0.0.1", "::1", "::"])(
  "a machine that is there acknowledges what its client does not read, on %s",
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
    await eventually(async () => expect(await resentTo(socket)).toBe(0));
    client.destroy();
    server.close();
  },
);

test.each([
  ["nothing is sent again", [0], true],
  ["it is acknowledged late", [1, 0], true],
  ["it is sent again in vain", [2, 3], false],
])("whether a client without pings is there, if %s", async (_, found, isThere) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [webSocket] = (await once(server, "connection")) as [WebSocket];
  const pulse = new Pulse(() => webSocket.terminate());
  pulse.attach(webSocket);
  await new Promise((resolve) => setTimeout(resolve, 550)); // it was heard half a second ago
  const resent = found[Symbol.iterator]();
  const answers = pulse.survives(
    () => webSocket.send("a nudge"),
    async () => resent.next().value ?? 0,
  );
  expect(await answers).toBe(isThere);
  if (!isThere) await once(client, "close");
  expect(webSocket.readyState === WebSocket.OPEN).toBe(isThere);
  client.terminate();
  server.close();
});
