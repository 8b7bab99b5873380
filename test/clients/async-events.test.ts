/** Events one by one: `once`, `for await`, and a client that ends with its block. */
import { expect, test } from "vitest";
import { connect, type Message } from "#tertulia/clients/sdk/tertulia.js";
import { WebSocket } from "ws";
import { eventually } from "../support/eventually.js";
import { message, refusal } from "../support/scripted-server.js";
import { join, serve, upTo } from "../support/sdk-scene.js";

async function joined() {
  const server = await serve();
  const seen = join(server.url);
  await seen.chat.joined();
  return { ...seen, peer: server.peers[0]! };
}

test("once hears one event, with a listener and as a promise", async () => {
  const { chat, peer, seqs } = await joined();
  const heard: number[] = [];
  chat.once("message", ({ seq }) => heard.push(seq));
  const off = chat.once("message", () => heard.push(-1));
  off();
  const first = chat.once("message");
  peer.says(message(1), message(2));
  expect((await first).seq).toBe(1);
  await eventually(() => expect(seqs).toEqual([1, 2]));
  expect(heard).toEqual([1]);
});

test("once rejects when the client is closed or its signal aborted; the close itself is an event", async () => {
  const { chat } = await joined();
  const control = new AbortController();
  const waiting = [chat.once("gap"), chat.once("gap", { signal: control.signal })];
  control.abort(new Error("enough"));
  await expect(waiting[1]).rejects.toThrow("enough");
  const end = chat.once("state");
  await chat.close();
  await expect(waiting[0]).rejects.toMatchObject({ code: "closed" });
  expect(await end).toMatchObject({ name: "closed", reason: "bye" });
  await expect(chat.once("message")).rejects.toMatchObject({ code: "closed" });
});

test("events() yields every event from the call on, and ends when the client is closed", async () => {
  const { chat, peer, seqs } = await joined();
  const messages = chat.events("message");
  peer.says(...upTo(3).map((n) => message(n)));
  await eventually(() => expect(seqs.length).toBe(3)); // before anybody reads
  const read: Message[] = [];
  for await (const each of messages) {
    read.push(each);
    if (each.seq === 3) peer.says(message(4), message(5));
    if (each.seq === 5) void chat.close();
  }
  expect(read.map(({ seq }) => seq)).toEqual(upTo(5));
});

test("a loop that breaks stops listening; other loops go on", async () => {
  const { chat, peer, seqs } = await joined();
  const other = chat.events("message", { limit: 2 });
  for (const n of upTo(9)) {
    const messages = chat.events("message");
    peer.says(message(n));
    for await (const { seq } of messages) {
      expect(seq).toBe(n);
      break;
    }
    expect((await other.next()).value).toMatchObject({ seq: n });
  }
  expect(seqs).toEqual(upTo(9));
});

test("above the limit, the kept events come first, then an error", async () => {
  const { chat, peer, seqs } = await joined();
  const messages = chat.events("message", { limit: 3 });
  peer.says(...upTo(5).map((n) => message(n)));
  await eventually(() => expect(seqs.length).toBe(5));
  const read: number[] = [];
  const reading = (async () => {
    for await (const { seq } of messages) read.push(seq);
  })();
  await expect(reading).rejects.toMatchObject({ code: "overflow" });
  expect(read).toEqual(upTo(3));
});

test("events() throws when the signal is aborted, or when the chat closes the client", async () => {
  const { chat, peer } = await joined();
  const control = new AbortController();
  const aborted = chat.events("message", { signal: control.signal }).next();
  control.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  const ended = chat.events("message").next();
  peer.socket.close(4409, "replaced");
  await expect(ended).rejects.toMatchObject({ code: "closed" });
  expect(await chat.events("message").next().catch(String)).toMatch(/4409/);
  const refusing = await serve((request, peer) => peer.says(refusal(request, "bad_name")));
  const next = join(refusing.url).chat.events("message").next();
  await expect(next).rejects.toMatchObject({ code: "bad_name" });
});

test("a client supports await using", async () => {
  const server = await serve();
  const chat = connect(server.url, { name: "ana", WebSocket });
  await chat.joined();
  await chat[Symbol.asyncDispose]();
  expect(chat.state).toMatchObject({ name: "closed", reason: "bye" });
  expect(server.peers[0]!.heard.map(({ type }) => type)).toEqual(["hello", "bye"]);
});
