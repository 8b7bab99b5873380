/** A sign that the network changed, or that the page was asleep, is worth more than any timer. */
import { afterEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { freePort } from "#tertulia/local-redis/server.js";
import { eventually } from "../support/eventually.js";
import { scriptedServer, welcomes, type Peer } from "../support/scripted-server.js";
import { join, serve } from "../support/sdk-scene.js";

const pings = (peer: Peer | undefined): number =>
  peer!.heard.filter(({ type }) => type === "ping").length;
const answered = welcomes(undefined, (request, peer) => {
  if (request.type === "ping") peer.says({ type: "pong", id: request.id, ts: 1 });
});
/** Nothing of this happens by itself during a test. */
const timing = { pingAfterMs: 600_000, openWithinMs: 600_000, pongWithinMs: 300 };

test("a wake event replaces a dead connection before its timers fire", async () => {
  const server = await serve(welcomes());
  const { chat, states } = join(server.url, { timing });
  await chat.joined();
  chat.reconnectNow();
  await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
  await chat.joined();
  expect(states.map(({ name }) => name)).toEqual(["open", "waiting", "connecting", "open"]);
});

test("a live connection stays, and is pinged once for many wake events", async () => {
  const server = await serve(answered);
  const { chat, states } = join(server.url, { timing: { ...timing, pongWithinMs: 60_000 } });
  await chat.joined();
  for (let i = 0; i < 5; i++) chat.reconnectNow();
  await eventually(() => expect(pings(server.peers[0])).toBe(1));
  expect(states.map(({ name }) => name)).toEqual(["open"]);
});

test("a handshake that was under way is replaced", async () => {
  const server = await serve((request, peer, turn) => {
    if (turn > 0) answered(request, peer, turn);
  });
  const { chat } = join(server.url, { timing });
  await eventually(() => expect(server.peers[0]?.hello).toBeDefined());
  chat.reconnectNow();
  await chat.joined();
  expect(server.peers.length).toBe(2);
});

test("a wake event ends a backoff at once", async () => {
  const port = await freePort();
  const { chat } = join(`ws://127.0.0.1:${port}`);
  let retryAtMs = 0;
  await eventually(() => {
    expect(chat.state.name).toBe("waiting");
    if (chat.state.name === "waiting") ({ retryAtMs } = chat.state);
    expect(retryAtMs - Date.now()).toBeGreaterThan(1_500); // by chance, after some attempts
  }, 60_000);
  const server = new WebSocketServer({ port, host: "127.0.0.1" });
  const dialled = new Promise((resolve) => server.once("connection", resolve));
  chat.reconnectNow();
  await dialled;
  expect(Date.now()).toBeLessThan(retryAtMs);
  await chat.close();
  server.close();
});

/** As much of a browser's window as the SDK knows. */
class Window extends EventTarget {
  readonly listening = new Set<string>();
  hidden = false;

  install(): void {
    Object.assign(globalThis, {
      document: this,
      addEventListener: (type: string, listener: () => void) => {
        this.listening.add(type);
        this.addEventListener(type, listener);
      },
      removeEventListener: (type: string, listener: () => void) => {
        this.listening.delete(type);
        this.removeEventListener(type, listener);
      },
    });
  }
}

afterEach(() => {
  for (const name of ["document", "addEventListener", "removeEventListener"]) {
    Reflect.deleteProperty(globalThis, name);
  }
});

test.each<[string, { persisted?: boolean; hidden?: boolean }, number]>([
  ["online", {}, 1],
  ["offline", {}, 1],
  ["resume", {}, 1],
  ["pageshow", { persisted: true }, 1],
  ["pageshow", { persisted: false }, 0],
  ["visibilitychange", { hidden: false }, 1],
  ["visibilitychange", { hidden: true }, 0],
])("of a browser, %s with %o asks %i times", async (type, { hidden = false, ...more }, times) => {
  const window = new Window();
  window.install();
  const server = await scriptedServer(answered);
  const { chat } = join(server.url, { timing: { ...timing, pongWithinMs: 60_000 } });
  await chat.joined();
  window.hidden = hidden;
  window.dispatchEvent(Object.assign(new Event(type), more));
  chat.typing("~"); // comes behind what was asked
  await eventually(() => expect(server.peers[0]!.heard.at(-1)!.type).toBe("typing"));
  expect(pings(server.peers[0])).toBe(times);
  expect(window.listening.size).toBeGreaterThan(0);
  await chat.close();
  expect([...window.listening], "nothing is left behind").toEqual([]);
  await server.close();
});
