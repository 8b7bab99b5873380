/** Who is cut and who is left alone; and what is not told where there are too many. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Keepalive } from "#tertulia/gateway/keepalive.js";
import { ClassicClient } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { CLOSE_FRAME, upgradeRequest } from "../support/raw-socket.js";
import { startRedis } from "../support/redis.js";

test("within half a minute a connection without a name is closed with 4408, JSON is pinged, and bytes are not [abuse:hello-late] [abuse:op10-late]", async () => {
  const redis = await startRedis();
  const gateway = await node(redis.url);
  const silent = [
    (await JsonClient.connect(gateway.port)).closed(),
    (await ClassicClient.connect(gateway.port, "", "ws-protocol")).closed(),
  ];
  const bytes = [
    await ClassicClient.connect(gateway.port, "bob"),
    await ClassicClient.connect(gateway.port, "bob_2", "ws-protocol"),
  ];
  const pinged: string[] = [];
  for (const { name, webSocket } of bytes) webSocket.on("ping", () => pinged.push(name));
  // later than those: when it is pinged, they would have been
  const ana = await JsonClient.hello(gateway.port, "ana");
  await once(ana.webSocket, "ping");
  expect(await Promise.all(silent)).toEqual([4408, 4408]);
  expect(pinged).toEqual([]);
  for (const { webSocket } of [...bytes, ana]) webSocket.terminate();
  await gateway.close();
  await redis.close();
}, 90_000);

test("a connection that answers no ping is cut after a minute, one that answers is not", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const pulsing = async (autoPong: boolean) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong });
    const [webSocket, { socket }] = (await once(server, "connection")) as [
      WebSocket,
      IncomingMessage,
    ];
    const keepalive = new Keepalive({ put: () => webSocket.terminate() });
    keepalive.attach(webSocket, socket);
    for (const sign of ["message", "pong"]) webSocket.on(sign, () => keepalive.heard());
    return { client, webSocket, keepalive };
  };
  const [silent, answering] = [await pulsing(false), await pulsing(true)];
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 20)); // what is heard from here on is heard later than `began`
  const [asked, answered] = [once(silent.client, "ping"), once(answering.webSocket, "pong")];
  for (const { keepalive } of [silent, answering]) keepalive.check(began + 26_000);
  await Promise.all([asked, answered]);
  for (const { keepalive } of [silent, answering]) keepalive.check(began + 60_001);
  expect(answering.webSocket.readyState).toBe(WebSocket.OPEN);
  const [code] = (await once(silent.client, "close")) as [number];
  expect(code).toBe(1006);
  answering.client.terminate();
  server.close();
});

test("a client that sent a close frame and does not hang up is cut", async () => {
  const redis = await startRedis();
  const gateway = await node(redis.url);
  const open = async (): Promise<number> => {
    const { values } = await gateway.counters.connections.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  const lazy = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
  lazy.write(upgradeRequest("/?name=lazy"));
  await once(lazy, "data");
  expect(await open()).toBe(1);
  lazy.write(CLOSE_FRAME);
  const [answer] = (await once(lazy, "data")) as [Buffer];
  expect([...answer]).toEqual([0x88, 0]);
  await eventually(async () => expect(await open()).toBe(0));
  lazy.destroy();
  await gateway.close();
  await redis.close();
});

test("typing in the general chat is told to 200 users, and not to 201", async () => {
  const redis = await startRedis();
  const gateway = await node(redis.url, { PRESENCE_LINGER_MS: 0 });
  const [ana, bob, ...others] = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      JsonClient.hello(gateway.port, ["ana", "bob"][i] ?? `user-${i}`),
    ),
  );
  const typing = { type: "typing", conv: "~", from: "ana" };
  await untilSeen(ana!, 200);
  await ana!.asks({ type: "typing", conv: "~" });
  await bob!.awaits(typing);

  others.push(await JsonClient.hello(gateway.port, "one too many"));
  await untilSeen(ana!, 201);
  await ana!.asks({ type: "typing", conv: "~" });
  await ana!.asks({ type: "publish", text: "in order" });
  await bob!.awaits({ type: "message", text: "in order" });
  expect(bob!.heard.filter(({ type }) => type === "typing")).toHaveLength(1);
  // to one person it is told all the same
  await ana!.asks({ type: "typing", conv: "@bob" });
  await bob!.awaits({ type: "typing", conv: "@ana", from: "ana" });
  for (const client of [ana!, bob!, ...others]) client.webSocket.terminate();
  await gateway.close();
  await redis.close();
});

async function untilSeen(client: JsonClient, count: number): Promise<void> {
  await eventually(async () => {
    expect(await client.asks({ type: "presence" })).toMatchObject({ count });
  });
}
