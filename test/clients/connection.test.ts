/** The connection, come what may: close codes, goaway, silence, names that are taken. */
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  TertuliaError,
  type ConnectOptions,
  type Tertulia,
} from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { conversation, message, refusal, welcomes } from "../support/scripted-server.js";
import { join, serve } from "../support/sdk-scene.js";

test.each([1000, 4400, 4408, 4409, 4429])("a close with %i is for good", async (code) => {
  const server = await serve();
  const { chat, states } = join(server.url);
  await chat.joined();
  const said = chat.publish("~", "never answered");
  server.peers[0]!.socket.close(code, "enough");
  await expect(said).rejects.toMatchObject({ code: "closed" });
  expect(chat.state).toMatchObject({ name: "closed", code, reason: "enough" });
  expect(states.map(({ name }) => name)).toEqual(["open", "closed"]);
  await expect(chat.publish("~", "later")).rejects.toThrow(TertuliaError);
  expect(server.peers.length).toBe(1);
});

test.each([1006, 1009, 1012, 4500, 4508, 4510])(
  "after a close with %i it comes back",
  async (code) => {
    const server = await serve();
    const { chat, states } = join(server.url);
    await chat.joined();
    if (code === 1006) server.peers[0]!.socket.terminate();
    else server.peers[0]!.socket.close(code);
    await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
    await chat.joined();
    expect(states.map(({ name }) => name)).toEqual(["open", "waiting", "connecting", "open"]);
    expect(server.peers[1]!.hello).toMatchObject({
      name: "ana",
      key: chat.key,
      resume: { "~": ["a", 0] },
    });
  },
);

test("after goaway the new connection opens first, in the slot the node gave, and nothing is delivered twice", async () => {
  const server = await serve(welcomes());
  const { chat, states, seqs } = join(server.url);
  await chat.joined();
  const [old] = server.peers;
  old!.says(message(1), message(2), { type: "goaway", reason: "drain", reconnectAfterMs: 150 });
  const toldMs = performance.now();
  await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
  expect(performance.now() - toldMs).toBeGreaterThan(100);
  expect(server.peers[1]!.hello!.resume).toEqual({ "~": ["a", 2] });
  await eventually(() => expect(old!.socket.readyState).toBe(WebSocket.CLOSED));
  server.peers[1]!.says(message(2), message(3));
  await eventually(() => expect(seqs).toEqual([1, 2, 3]));
  expect(states.map(({ name }) => name)).toEqual(["open"]);
});

test("messages that the old connection delivers while the new one opens are not delivered again", async () => {
  let welcome = (): void => {};
  const server = await serve((request, peer, turn) => {
    const answer = (): void => welcomes(() => [conversation({})])(request, peer, turn);
    if (turn === 1 && request.type === "hello") welcome = answer;
    else answer();
  });
  const { chat, seqs } = join(server.url);
  await chat.joined();
  const [old] = server.peers;
  old!.says({ type: "goaway", reason: "drain", reconnectAfterMs: 0 });
  await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
  old!.says(message(1), message(2));
  await eventually(() => expect(seqs).toEqual([1, 2]));
  welcome(); // its hello knew of none
  server.peers[1]!.says(message(1), message(2), message(3));
  await eventually(() => expect(seqs).toEqual([1, 2, 3]));
});

test("a silent connection is pinged, and cut when it does not answer", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer, turn) => {
      if (request.type === "ping" && turn === 1) peer.says({ type: "pong", id: request.id, ts: 1 });
    }),
  );
  const timing = { pingAfterMs: 100, pongWithinMs: 2_000 }; // a machine may stand still for a while
  const { chat } = join(server.url, { timing });
  await eventually(() => expect(server.peers.length).toBe(2));
  expect(server.peers[0]!.heard.map(({ type }) => type)).toEqual(["hello", "ping"]);
  await eventually(() => {
    const pings = server.peers[1]!.heard.filter(({ type }) => type === "ping");
    expect(pings.length).toBeGreaterThan(2);
  });
  expect(server.peers.length).toBe(2);
  expect(chat.state.name).toBe("open");
});

test("a connection without a welcome is cut in time", async () => {
  const server = await serve((request, peer, turn) => {
    if (turn > 0) welcomes()(request, peer, turn);
  });
  const { chat } = join(server.url, { timing: { openWithinMs: 500 } });
  await chat.joined();
  expect(server.peers.length).toBeGreaterThan(1); // on a slow machine the second may be late as well
  const [late] = server.peers;
  await eventually(() => expect(late!.socket.readyState).toBe(WebSocket.CLOSED));
});

test("name_taken on a reconnect is reported and retried", async () => {
  const server = await serve((request, peer, turn) => {
    if (turn === 1) peer.says(refusal(request, "name_taken"));
    else welcomes()(request, peer, turn);
  });
  const { chat, errors } = join(server.url);
  await chat.joined();
  server.peers[0]!.socket.terminate();
  await eventually(() => expect(server.peers[2]?.hello).toBeDefined());
  await chat.joined();
  expect(errors.map(({ code }) => code)).toEqual(["name_taken"]);
});

test.each<[string, (close: () => void) => Partial<ConnectOptions> | ((chat: Tertulia) => void)]>([
  ["an error", (close) => (chat) => chat.on("error", close)],
  ["waiting", (close) => (chat) => chat.on("state", ({ name }) => name === "waiting" && close())],
  [
    "dialling",
    (close) => (chat) => chat.on("state", ({ name }) => name === "connecting" && close()),
  ],
  ["the hook at a connection", (close) => ({ debug: ({ type }) => type === "open" && close() })],
  ["the hook at an attempt", (close) => ({ debug: ({ type }) => type === "dial" && close() })],
  ["the hook at a retry", (close) => ({ debug: ({ type }) => type === "retry" && close() })],
  ["the hook at an end", (close) => ({ debug: ({ type }) => type === "close" && close() })],
])("a client that is closed where it hears of %s stays closed", async (_, how) => {
  const server = await serve((request, peer) => peer.says(refusal(request, "unavailable")));
  let isBegun = false;
  const asked = how(() => {
    if (isBegun) void chat.close(); // not before there is one
  });
  const { chat, states } = join(server.url, typeof asked === "function" ? {} : asked);
  isBegun = true;
  if (typeof asked === "function") asked(chat);
  await eventually(() => expect(states.map(({ name }) => name)).toContain("closed"));
  await new Promise((resolve) => setTimeout(resolve, 300)); // longer than the first retry waits
  expect(states.findIndex(({ name }) => name === "closed")).toBe(states.length - 1);
  await eventually(() => {
    for (const { socket } of server.peers) expect(socket.readyState).toBe(WebSocket.CLOSED);
  });
});

test("close says bye, once", async () => {
  const server = await serve();
  const { chat, states } = join(server.url);
  await chat.joined();
  await Promise.all([chat.close(), chat.close()]);
  await chat.close();
  expect(server.peers[0]!.heard.map(({ type }) => type)).toEqual(["hello", "bye"]);
  expect(states.at(-1)).toEqual({ name: "closed", code: 1000, reason: "bye" });
});
