import { once } from "node:events";
import { expect, test } from "vitest";
import { ClassicClient } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";

test("within half a minute who says no hello is closed with 4408, JSON is pinged, and bytes are not", async () => {
  const redis = await startRedis();
  const gateway = await node(redis.url);
  const silent = (await JsonClient.connect(gateway.port)).closed();
  const bytes = [
    await ClassicClient.connect(gateway.port, "bob"),
    await ClassicClient.connect(gateway.port, "bob_2", "ws-protocol"),
  ];
  const pinged: string[] = [];
  for (const { name, webSocket } of bytes) webSocket.on("ping", () => pinged.push(name));
  // later than those: when it is pinged, they would have been
  const ana = await JsonClient.hello(gateway.port, "ana");
  await once(ana.webSocket, "ping");
  expect(await silent).toBe(4408);
  expect(pinged).toEqual([]);
  for (const { webSocket } of [...bytes, ana]) webSocket.terminate();
  await gateway.close();
  await redis.close();
}, 90_000);
