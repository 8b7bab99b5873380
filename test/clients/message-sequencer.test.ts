/** What comes: each message once and in order, holes filled or told. */
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import {
  conversation,
  message,
  ok,
  refusal,
  stored,
  welcomes,
} from "../support/scripted-server.js";
import { join, serve } from "../support/sdk-scene.js";

test("a hole is filled from history before later messages are delivered", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "history") return;
      const { after } = request;
      const messages = [after! + 1, after! + 2].map((seq) => message(seq)); // small pages
      peer.says(message(8), ok(request, { epoch: "a", messages, head: 8, floor: 1, more: true }));
    }),
  );
  const { seqs, gaps, chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.says(message(1), message(6), message(7));
  await eventually(() => expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]));
  expect(gaps).toEqual([]);
});

test("a hole that history cannot fill is announced as a gap", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "history") return;
      peer.says(ok(request, { epoch: "a", messages: [], head: 6, floor: 6, more: false }));
    }),
  );
  const { seqs, gaps, chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.says(message(1), message(6), message(7));
  await eventually(() => expect(seqs).toEqual([1, 6, 7]));
  expect(gaps).toEqual([{ conv: "~", after: 1, before: 6, reason: "trimmed" }]);
});

test("when the connection is lost while a hole is being filled, the next one brings everything once", async () => {
  const server = await serve(welcomes());
  const { seqs, chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.says(message(1), message(4));
  await eventually(() => {
    expect(server.peers[0]!.heard.map(({ type }) => type)).toContain("history");
  });
  server.peers[0]!.socket.terminate();
  await eventually(() => expect(server.peers[1]?.hello?.resume).toEqual({ "~": ["a", 1] }));
  await chat.joined();
  server.peers[1]!.says(...[2, 3, 4, 5].map((seq) => message(seq)));
  await eventually(() => expect(seqs).toEqual([1, 2, 3, 4, 5]));
});

test("a number with a newer epoch is a new message; a repeated old one is not", async () => {
  const server = await serve(welcomes());
  const { seqs, gaps, chat } = join(server.url);
  await chat.joined();
  const [peer] = server.peers;
  peer!.says(message(1, "zz"), message(2, "100"), message(1, "zz"), message(2, "100"));
  peer!.says(message(3, "100"), message(2, "101"), message(3, "101"));
  await eventually(() => expect(seqs).toEqual([1, 2, 3, 2, 3]));
  expect(gaps).toEqual([{ conv: "~", after: 1, before: 2, reason: "rolled_back" }]);
});

test("a gap moves the cursor and is announced", async () => {
  const lost = conversation({ after: 899, recovered: false, head: 900 });
  const gap = { conv: "~", after: 5, before: 900, reason: "trimmed" } as const;
  const server = await serve(
    welcomes(
      () => [lost],
      (request, peer) => {
        if (request.type === "hello") peer.says({ type: "gap", ...gap }, message(900));
      },
    ),
  );
  const { seqs, gaps, chat } = join(server.url, { cursors: { "~": ["a", 5] } });
  await eventually(() => expect(seqs).toEqual([900]));
  expect(gaps).toEqual([gap]);
  expect(chat.cursors).toEqual({ "~": ["a", 900] });
  expect(server.peers[0]!.hello!.resume).toEqual({ "~": ["a", 5] });
});

test("a conversation that this user began by writing is resumed from its beginning until a message of it comes", async () => {
  const begun = conversation({ conv: "@bob", after: 0, head: 2 });
  const server = await serve(
    welcomes(
      (turn) => [conversation({}), ...(turn === 1 ? [begun] : [])],
      (request, peer, turn) => {
        if (request.type !== "publish") return;
        if (request.conv === "@nobody") peer.says(refusal(request, "not_found"));
        else if (turn === 0) peer.socket.terminate(); // stored, perhaps, behind something of bob's
        else peer.says(message(1, "a", "@bob"), message(2, "a", "@bob"), stored(request));
      },
    ),
  );
  const { chat, messages } = join(server.url);
  await expect(chat.publish("@nobody", "hi")).rejects.toMatchObject({ code: "not_found" });
  await chat.publish("@bob", "text 2");
  expect(server.peers.map(({ hello }) => hello!.resume)).toEqual([
    {}, // whatever waits to be written: the welcome will list what there is
    { "~": ["a", 0], "@bob": ["0", 0] },
  ]);
  expect(messages.map(({ conv, seq }) => [conv, seq])).toEqual([
    ["@bob", 1],
    ["@bob", 2],
  ]);
  expect(chat.cursors).toEqual({ "~": ["a", 0], "@bob": ["a", 2] });
});

test("a conversation that another device began and read meanwhile is announced as a gap", async () => {
  const read = conversation({ conv: "@bob", after: 3, head: 3, read: 3 });
  const server = await serve(welcomes((turn) => [conversation({}), ...(turn > 0 ? [read] : [])]));
  const { chat, gaps } = join(server.url);
  await chat.joined();
  server.peers[0]!.socket.terminate();
  await eventually(() => {
    expect(gaps).toEqual([{ conv: "@bob", after: 0, before: 4, reason: "limit" }]);
  });
  server.peers[1]!.socket.terminate();
  await eventually(() => expect(server.peers[2]?.hello?.resume?.["@bob"]).toEqual(["a", 3]));
  await chat.joined();
  expect(gaps).toHaveLength(1);
});

test("when the connection is lost between welcome and gap, the next one announces the gap", async () => {
  const lost = conversation({ epoch: "b", after: 2, recovered: false, head: 2 });
  const many = conversation({ conv: "@bob", after: 100, recovered: false, head: 600 });
  const gap = { conv: "~", after: 5, before: 3, reason: "rolled_back" } as const;
  const limit = { conv: "@bob", after: 0, before: 101, reason: "limit" } as const;
  const server = await serve(
    welcomes(
      () => [lost, many],
      (request, peer, turn) => {
        if (request.type !== "hello") return;
        if (turn === 0) peer.socket.close();
        else peer.says({ type: "gap", ...gap }, message(3, "b"), { type: "gap", ...limit });
      },
    ),
  );
  const { seqs, gaps, chat } = join(server.url, { cursors: { "~": ["a", 5] } });
  await eventually(() => expect(gaps).toEqual([gap, limit]));
  const resumes = server.peers.map(({ hello }) => hello!.resume);
  expect(resumes).toEqual([{ "~": ["a", 5] }, { "~": ["a", 5] }]);
  expect(seqs).toEqual([3]);
  expect(chat.cursors).toEqual({ "~": ["b", 3], "@bob": ["a", 100] });
});

test("the cursors include the message that is being delivered", async () => {
  const server = await serve(welcomes());
  const { chat } = join(server.url);
  const read: unknown[] = [];
  chat.on("message", () => read.push(chat.cursors["~"]));
  await chat.joined();
  server.peers[0]!.says(message(1), message(2, "b"));
  await eventually(() =>
    expect(read).toEqual([
      ["a", 1],
      ["b", 2],
    ]),
  );
});
