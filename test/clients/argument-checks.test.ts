/** What goes wrong is told: mistakes of the program at the call, of the network by the state and a hook. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { connect, type DebugEvent, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { message, ok, refusal, welcomes } from "../support/scripted-server.js";
import { join, serve, upTo } from "../support/sdk-scene.js";

const HERE = "ws://127.0.0.1:1";
const ana = { name: "ana", WebSocket };

/** As a program without types calls it. */
const untyped = connect as unknown as (...args: unknown[]) => Tertulia;

test.each<[string, unknown[], RegExp]>([
  ["no options", [HERE], /takes options too: connect\(url, \{ name: "ana" \}\)/],
  ["a name instead", [HERE, "ana"], /takes options too/],
  ["no name", [HERE, { WebSocket }], /the option `name` is missing, or no text: \{ name: "ana" \}/],
  ["nothing", [], /"undefined" is no address of a chat: write "ws:\/\//],
  ["no address in the list", [[], ana], /the list has none/],
  ["http", ["http://chat.example:9000", ana], /write "ws:\/\/chat\.example:9000"/],
  ["https", ["https://chat.example/ws", ana], /write "wss:\/\/chat\.example\/ws"/],
  ["no scheme", ["localhost:9000", ana], /write "ws:\/\/localhost:9000"/],
  ["no address at all", ["ws://", ana], /"ws:\/\/" is no address of a chat/],
  ["one wrong of two", [[HERE, "chat.example"], ana], /write "ws:\/\/chat\.example"/],
  ["a fragment", [`${HERE}/#top`, ana], /write "ws:\/\/127\.0\.0\.1:1\/"/],
  ["no class", [HERE, { name: "ana", WebSocket: {} }], /import \{ WebSocket \} from "ws"/],
  ["no number", [HERE, { ...ana, timing: { openWithinMs: "5s" } }], /timing\.openWithinMs is 5s/],
  ["not a number", [HERE, { ...ana, timing: { pingAfterMs: NaN } }], /timing\.pingAfterMs is NaN/],
])("connect with %s says what to write", (_, args, words) => {
  expect(() => untyped(...args)).toThrow(TypeError);
  expect(() => untyped(...args)).toThrow(words);
});

test("without a WebSocket in the environment, the error says where to get one", () => {
  vi.stubGlobal("WebSocket", undefined);
  try {
    expect(() => connect(HERE, { name: "ana" })).toThrow(/npm i ws/);
  } finally {
    vi.unstubAllGlobals();
  }
});

test.each<[string, (chat: never) => unknown, RegExp]>([
  ["on", (chat: Loose) => chat.on("massage", () => {}), /no event "massage": state, welcome, mess/],
  ["on", (chat: Loose) => chat.on("message"), /on\("message", \(event\) => \{ … \}\)/],
  ["once", (chat: Loose) => chat.once("massage"), /no event "massage"/],
  ["events", (chat: Loose) => chat.events("massage"), /no event "massage"/],
  ["publish", (chat: Loose) => chat.publish("ana"), /"@ana" for ana/],
  ["publish", (chat: Loose) => chat.publish("ana", "hi"), /"~" for everybody, "@ana" for ana/],
  ["publish", (chat: Loose) => chat.publish("~"), /the text is missing.*publish\("~", "hello"\)/],
  ["publish", (chat: Loose) => chat.publish(), /undefined is no conversation/],
  ["history", (chat: Loose) => chat.history("bob"), /"@bob" for bob/],
  ["history", (chat: Loose) => chat.history({ limit: 5 }), /\{"limit":5\} is no conversation/],
  ["markRead", (chat: Loose) => chat.markRead("bob", 1), /"@bob" for bob/],
  ["remove", (chat: Loose) => chat.remove("bob", 1), /"@bob" for bob/],
  ["remove", (chat: Loose) => chat.remove("~", "1"), /remove\("~", 5\)/],
  ["typing", (chat: Loose) => chat.typing("bob"), /"@bob" for bob/],
  ["user", (chat: Loose) => chat.user(), /user\("ana"\)/],
  ["setStatus", (chat: Loose) => chat.setStatus("away"), /"away": active, busy, inactive/],
  ["watch", (chat: Loose) => chat.presence.watch("ana"), /watch\(\["ana", "bob"\]\)/],
] as never)("%s says what to write", async (_, call, words) => {
  const { chat } = join(HERE);
  const called = (async () => call(chat as never))();
  await expect(called).rejects.toThrow(TypeError);
  await expect((async () => call(chat as never))()).rejects.toThrow(words);
});

type Call = (...args: unknown[]) => unknown;
type Method =
  | "on"
  | "once"
  | "events"
  | "publish"
  | "history"
  | "markRead"
  | "typing"
  | "user"
  | "remove";
type Loose = Record<Method | "setStatus", Call> & { presence: { watch: Call } };

test("when nobody listens at the address, the state and the debug hook say so", async () => {
  const events: DebugEvent[] = [];
  const { chat, states } = join("ws://127.0.0.1:1", { debug: (event) => events.push(event) });
  const waiting = await chat.once("state");
  expect(waiting).toMatchObject({ name: "waiting", error: { code: "unreachable" } });
  expect(states[0]).toBe(waiting);
  expect(String(waiting.name === "waiting" && waiting.error)).toMatch(
    /ws:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/,
  );
  expect(events.map(({ type }) => type)).toEqual(["dial", "close", "retry"]);
});

test.each([
  [400, "Unexpected server response: 400"],
  [503, "Unexpected server response: 503"],
])("a server that answers %i is told", async (status, words) => {
  const server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
  await new Promise((resolve) => server.on("listening", resolve));
  try {
    const { chat } = join(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await chat.once("state")).toMatchObject({
      name: "waiting",
      error: { code: "unreachable", message: expect.stringContaining(words) as string },
    });
  } finally {
    server.close();
  }
});

test("the error tells an address that is no chat, one that does not answer, and a lost connection apart", async () => {
  const silent = await serve(() => {});
  const mute = join(silent.url, { timing: { openWithinMs: 50 } });
  expect(await mute.chat.once("state")).toMatchObject({
    error: { code: "unreachable", message: expect.stringMatching(/no welcome in time/) as string },
  });
  const babbling = await serve((_, { socket }) => socket.send("hello?"));
  expect(await join(babbling.url).chat.once("state")).toMatchObject({
    error: { code: "unreachable", message: expect.stringMatching(/not the protocol/) as string },
  });
  const full = await serve((request, peer) => peer.says(refusal(request, "unavailable")));
  expect(await join(full.url).chat.once("state")).toMatchObject({ error: { code: "unavailable" } });
  const server = await serve();
  const { chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.socket.close(4508, "too slow");
  expect(await chat.once("state")).toMatchObject({
    error: { code: "lost", message: expect.stringMatching(/4508 too slow/) as string },
  });
});

test("a WebSocket with an error event but no close event is given up", async () => {
  class Silent extends EventTarget {
    constructor() {
      super();
      queueMicrotask(() =>
        this.dispatchEvent(Object.assign(new Event("error"), { message: "no" })),
      );
    }
    send = (): void => {};
    close = (): void => {};
  }
  const { chat } = join(HERE, { WebSocket: Silent as never });
  const waits = await chat.once("state", { signal: AbortSignal.timeout(5_000) });
  expect(waits).toMatchObject({
    name: "waiting",
    error: { message: `${HERE} cannot be reached: no` },
  });
});

test("an address that the environment forbids is skipped and reported", async () => {
  const server = await serve();
  class Strict extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      if (url.includes("forbidden")) throw new Error("SecurityError: not from here");
      super(url, protocols);
    }
  }
  const { chat, states } = join([server.url, "ws://forbidden", server.url], { WebSocket: Strict });
  await chat.joined();
  server.peers[0]!.socket.terminate();
  await eventually(() => expect(server.peers.length).toBe(2));
  await chat.joined();
  expect(JSON.stringify(states.map((state) => state.name === "waiting" && state.error.code))).toBe(
    '[false,"lost",false,"unreachable",false,false]',
  );
  expect(() => connect("ws://forbidden", { name: "ana", WebSocket: Strict })).toThrow("not from");
});

test("the debug hook sees each step and frame, without texts and keys; its errors do no harm", async () => {
  const events: DebugEvent[] = [];
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      peer.says(ok(request, { conv: "~", epoch: "a", seq: 1, mid: "m", ts: 1 }), message(1));
    }),
  );
  const { chat, seqs } = join(server.url, {
    key: "hidden-key",
    debug: (event) => events.push(event),
  });
  await chat.publish("~", "hidden text");
  await eventually(() => expect(seqs).toEqual([1]));
  await chat.close();
  expect(events).toMatchObject([
    { type: "dial", url: server.url },
    { type: "open" },
    { type: "sent", frame: "hello", id: 0 },
    { type: "received", frame: "welcome", id: 0 },
    { type: "sent", frame: "publish", conv: "~" },
    { type: "received", frame: "ok", conv: "~", seq: 1 },
    { type: "received", frame: "message", conv: "~", seq: 1 },
    { type: "sent", frame: "bye" },
    { type: "received", frame: "ok" },
    { type: "close", code: 1000 },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/hidden|text 1/);
});

test("Infinity and delays too long for a timer wait instead of firing at once", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "user") peer.says(refusal(request, "rate_limited", 1e12));
    }),
  );
  const forever = { openWithinMs: Infinity, pingAfterMs: Infinity, pongWithinMs: 2 ** 40 };
  const { chat, states } = join(server.url, { timing: { ...forever, nameWithinMs: Infinity } });
  await chat.joined();
  void chat.user("bob").catch(() => {}); // waits for what it was told
  server.peers[0]!.says({ type: "goaway", reason: "drain", reconnectAfterMs: 2 ** 31 });
  await eventually(() => expect(server.peers[0]!.heard.length).toBe(2));
  await new Promise((resolve) => setTimeout(resolve, 200)); // what fires at once would have
  expect(server.peers.length).toBe(1);
  expect(server.peers[0]!.heard.map(({ type }) => type)).toEqual(["hello", "user"]);
  expect(states.map(({ name }) => name)).toEqual(["open"]);
});

test("a signal has no listener left when everything it could abort has ended", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "user") peer.says(ok(request, { status: "active" }));
    }),
  );
  const { signal } = new AbortController();
  const counts = { added: 0, removed: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  const listeners = new Set<unknown>();
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.add(args[1]);
    counts.added++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    counts.removed++;
    remove(...args);
  };
  for (const _ of upTo(20)) {
    const { chat } = join(server.url, { signal });
    await chat.joined({ signal });
    await chat.user("bob", { signal });
    const next = chat.once("typing", { signal });
    server.peers.at(-1)!.says({ type: "typing", conv: "~", from: "bob" });
    await next;
    for await (const each of read(chat, signal)) {
      expect(each.from).toBe("bob");
      break;
    }
    const late = chat.once("typing", { signal });
    await chat.close();
    await expect(late).rejects.toMatchObject({ code: "closed" });
    await expect(chat.joined({ signal })).rejects.toMatchObject({ code: "closed" });
  }
  expect(counts.added).toBeGreaterThan(100);
  expect(listeners.size).toBe(0);

  function read(chat: Tertulia, signal: AbortSignal) {
    const events = chat.events("typing", { signal });
    server.peers.at(-1)!.says({ type: "typing", conv: "~", from: "bob" });
    return events;
  }
});
