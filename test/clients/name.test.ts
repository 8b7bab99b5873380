/** Whose the name is after a page vanished, while it joins, and when it is closed: on real gateways. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { TertuliaError } from "#tertulia/clients/sdk/tertulia.js";
import type { Node } from "#tertulia/node.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { refusal, welcomes } from "../support/scripted-server.js";
import { at, join, serve, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;
let first: Node;
let second: Node;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  [first, second] = [await node(redis.url), await node(redis.url)];
  return async () => {
    await Promise.all([first.close(), second.close()]);
  };
});

/** All connections that its clients open, so that they can be cut as a page is by F5. */
function tab() {
  const sockets: WebSocket[] = [];
  return {
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
    /** What a browser sends is 1001, and the SDK in it hears nothing of it. */
    reload: () => {
      for (const socket of sockets)
        socket
          .removeAllListeners()
          .on("error", () => {})
          .close(1001);
    },
  };
}

const reasonsToWait = ({ states }: Pick<ReturnType<typeof join>, "states">): string[] =>
  states.flatMap((state) => (state.name === "waiting" ? [state.error.code] : []));

test("a page that is reloaded five times gets its name each time", async () => {
  const bob = join(at(second), { name: "bob" });
  await bob.chat.presence.watch();
  for (const _ of upTo(5)) {
    const page = tab();
    const ana = join(at(first), { WebSocket: page.WebSocket });
    await ana.chat.joined();
    // or the gateway lets it wait, and then it has it at once
    expect(reasonsToWait(ana).filter((code) => code !== "name_taken")).toEqual([]);
    page.reload();
    void ana.chat.close(); // nobody hears its bye
  }
});

test("how long name_taken is retried is an option; 0 means not at all", async () => {
  const server = await serve((request, peer) => peer.says(refusal(request, "name_taken")));
  const hasty = join(server.url, { timing: { nameWithinMs: 0 } });
  await expect(hasty.chat.joined()).rejects.toMatchObject({ code: "name_taken" });
  expect(hasty.chat.state).toMatchObject({ name: "closed", reason: "name_taken" });
  expect(server.peers.length).toBe(1);
  const beganMs = performance.now();
  const patient = join(server.url, { timing: { nameWithinMs: 1_000 } });
  await expect(patient.chat.joined()).rejects.toMatchObject({ code: "name_taken" });
  expect(performance.now() - beganMs).toBeGreaterThan(900);
  expect(server.peers.length).toBeGreaterThan(2);
  expect(new Set(reasonsToWait(patient)), "it is told why it waits").toEqual(
    new Set(["name_taken"]),
  );
  expect(patient.errors[0]!.code).toBe("name_taken");
});

test("a client that is closed at any moment gives its name back at once", async () => {
  const refused: TertuliaError[] = [];
  const timing = { nameWithinMs: 0 };
  for (const round of upTo(60)) {
    const early = join(at(first), { name: `user-${round}` });
    if (round % 3 === 1) await new Promise((resolve) => setTimeout(resolve, round / 6));
    if (round % 3 === 2) await eventually(() => expect(early.chat.state.name).toBe("open"));
    await early.chat.close();
    const next = join(at(second), { name: `user-${round}`, timing });
    await next.chat.joined().catch((error: TertuliaError) => void refused.push(error));
  }
  expect(refused.length).toBe(0);
});

test("close sends bye after a hello without an answer, and waits for the answer", async () => {
  const server = await serve((request, peer) => {
    if (request.type !== "bye") return; // the welcome comes late
    const [hello] = peer.heard;
    welcomes()(hello!, peer, 0);
    welcomes()(request, peer, 0);
  });
  const { chat, states, seqs } = join(server.url);
  await eventually(() => expect(server.peers[0]?.hello).toBeDefined());
  await chat.close();
  expect(server.peers[0]!.heard.map(({ type }) => type)).toEqual(["hello", "bye"]);
  expect(states).toEqual([{ name: "closed", code: 1000, reason: "bye" }]);
  expect(seqs).toEqual([]);
});

test("close says bye on both connections while a second one opens", async () => {
  const server = await serve((request, peer, turn) => {
    if (turn === 0 || request.type === "bye") welcomes()(request, peer, turn);
  });
  const { chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.says({ type: "goaway", reason: "drain", reconnectAfterMs: 0 });
  await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
  await chat.close();
  const heard = server.peers.map((peer) => peer.heard.map(({ type }) => type));
  expect(heard).toEqual([
    ["hello", "bye"],
    ["hello", "bye"],
  ]);
});
