/** A node that does not serve is left for another one, and kept while there is none. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Proxy } from "#verifier/proxy.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";
import { message, refusal, stored, texts, welcomes } from "../support/scripted-server.js";
import { at, join, serve } from "../support/sdk-scene.js";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

/** Its Redis is away: what is asked is refused. */
const unable = welcomes(undefined, (request, peer) => {
  if (request.type === "publish") peer.says(refusal(request, "unavailable", 20));
});

const able = welcomes(undefined, (request, peer) => {
  if (request.type === "publish") peer.says(stored(request));
});

/** Turns everybody away, as a gateway that is not ready; counts them. */
async function closedDoor() {
  const door = { url: "", knocks: 0 };
  const server = createServer();
  server.on("upgrade", (_request, socket) => {
    door.knocks++;
    socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  door.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  open.push(server);
  return door;
}

test("a node that keeps answering unavailable is left for the next one, which opens first", async () => {
  const [first, second] = [await serve(unable), await serve(able)];
  const { chat, states } = join([first.url, second.url]);
  await chat.joined();
  first.peers[0]!.says(message(1));
  const said = await Promise.all([chat.publish("~", "text 2"), chat.publish("~", "text 3")]);
  expect(said.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(states.map(({ name }) => name)).toEqual(["open"]);
  expect(second.peers[0]!.hello).toMatchObject({ key: chat.key, resume: { "~": ["a", 1] } });
  await eventually(() => expect(first.peers[0]!.socket.readyState).toBe(WebSocket.CLOSED));
  const tries = texts(first.peers[0]).length;
  expect(tries).toBeGreaterThanOrEqual(2);
  expect(texts(first.peers[0])).toEqual(Array.from({ length: tries }, () => "text 2"));
  expect(texts(second.peers[0])).toEqual(["text 2", "text 3"]);
  const mids = [first, second].map(({ peers }) => {
    const publish = peers[0]!.heard.find(({ type }) => type === "publish");
    return publish?.type === "publish" && publish.mid;
  });
  expect(mids[0]).toBe(mids[1]);
});

test("while no node serves, a client stays, tries other nodes less and less often, and sends its messages in the end", async () => {
  const door = await closedDoor();
  let isAway = true;
  const server = await serve((request, peer, turn) =>
    (isAway ? unable : able)(request, peer, turn),
  );
  const { chat, states, errors } = join([server.url, door.url]);
  await chat.joined();
  const said = chat.publish("~", "text 1");
  await eventually(() => expect(door.knocks).toBeGreaterThan(0));
  await pause(6_000);
  const all = door.knocks + server.peers.length - 1;
  expect(all).toBeLessThanOrEqual(4); // about 300 answers came meanwhile
  isAway = false;
  expect(await said).toMatchObject({ seq: 1 });
  expect(states.map(({ name }) => name)).toEqual(["open"]);
  expect(errors).toEqual([]);
});

test("one unavailable answer does not make a client move", async () => {
  let turn = 0;
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      peer.says(turn++ % 2 === 0 ? refusal(request, "unavailable", 20) : stored(request));
    }),
  );
  const door = await closedDoor();
  const { chat } = join([server.url, door.url]);
  for (const n of [1, 2, 3]) await chat.publish("~", `text ${n}`);
  await pause(1_500); // it would have gone by now
  expect(door.knocks).toBe(0);
});

test("a silent node is left as soon as another one has said welcome", async () => {
  const [silent, other] = [await serve(), await serve()];
  const timing = { pingAfterMs: 100, pongWithinMs: 60_000 };
  const { chat, states } = join([silent.url, other.url], { timing });
  await chat.joined();
  await eventually(() => expect(other.peers[0]?.hello).toBeDefined());
  await eventually(() => expect(silent.peers[0]!.socket.readyState).toBe(WebSocket.CLOSED));
  expect(states.map(({ name }) => name)).toEqual(["open"]);
});

test("a node that leaves a request unanswered, and sends nothing else, is left as well", async () => {
  const [silent, other] = [await serve(), await serve(able)];
  const { chat } = join([silent.url, other.url], { timing: { pingAfterMs: 60_000 } });
  await chat.joined();
  expect(await chat.publish("~", "text 1")).toMatchObject({ seq: 1 });
  expect(texts(other.peers[0])).toEqual(["text 1"]);
});

test("a program that stood still does not suspect the node", async () => {
  const [server, door] = [await serve(able), await closedDoor()];
  const { chat } = join([server.url, door.url]);
  await chat.joined();
  const said = chat.publish("~", "text 1");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_500); // the answer is due when it goes on
  await said;
  await pause(1_500); // it would have gone by now
  expect(door.knocks).toBe(0);
});

test.each(["bad_name", "name_taken", "unavailable"] as const)(
  "an answer of another node (%s) to a client that tries it does not close the client",
  async (code) => {
    const server = await serve((request, peer, turn) => {
      if (turn === 0) unable(request, peer, turn);
      else if (request.type === "hello") peer.says(refusal(request, code));
    });
    const { chat, states, errors } = join(server.url);
    await chat.joined();
    void chat.publish("~", "text 1").catch(() => {});
    await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
    await eventually(() => expect(server.peers[1]!.socket.readyState).toBe(WebSocket.CLOSED));
    server.peers[0]!.says(message(1));
    await eventually(() => expect(chat.cursors["~"]).toEqual(["a", 1]));
    expect(states.map(({ name }) => name)).toEqual(["open"]);
    expect(errors).toEqual([]);
  },
);

test("goaway while another node is being tried is obeyed, too", async () => {
  const door = await closedDoor();
  const [first, second] = [await serve(unable), await serve(able)];
  const { chat } = join([first.url, door.url, second.url]);
  await chat.joined();
  const said = chat.publish("~", "text 1");
  await eventually(() => expect(door.knocks).toBe(1));
  first.peers[0]!.says({ type: "goaway", reason: "drain", reconnectAfterMs: 0 });
  expect(await said).toMatchObject({ seq: 1 });
});

test("with real gateways: a message sent through a gateway that is cut off from Redis is stored once, through another", async () => {
  const redis = await startRedis();
  open.push(redis);
  const proxy = await Proxy.to(redis.port);
  const [lonely, other] = [await node(proxy.url), await node(redis.url)];
  open.push(proxy, lonely, other);
  const ana = join(at(lonely, other), { name: "ana" });
  const bob = join(at(other), { name: "bob" });
  await Promise.all([ana.chat.joined(), bob.chat.joined()]);
  await ana.chat.publish("~", "before");
  proxy.set("blackhole");
  await bob.chat.publish("~", "meanwhile");
  await Promise.all(["one", "two"].map((text) => ana.chat.publish("~", text)));
  const expected = ["before", "meanwhile", "one", "two"];
  for (const { messages } of [ana, bob]) {
    await eventually(() => expect(messages.map(({ text }) => text)).toEqual(expected));
  }
  expect(ana.states.map(({ name }) => name)).toEqual(["open"]);
});
