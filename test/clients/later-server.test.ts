/** A client of today at a server that has more of version 1. PROTOCOL.md, versions. */
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { conversation, message, ok, welcomes, type Peer } from "../support/scripted-server.js";
import { join, serve } from "../support/sdk-scene.js";

/** As it stands on the wire: what the types of today do not have. */
function says({ socket }: Peer, ...frames: object[]): void {
  for (const frame of frames) socket.send(JSON.stringify(frame));
}

test("fields and events that it does not know are ignored", async () => {
  const server = await serve(
    welcomes(
      () => [Object.assign(conversation({}), { topic: "new" })],
      (request, peer) => {
        if (request.type === "user") {
          says(peer, { ...ok(request, { user: "bob", status: "busy" }), since: 1 });
        }
      },
    ),
  );
  const { chat, seqs } = join(server.url);
  await chat.joined();
  const [peer] = server.peers;
  says(
    peer!,
    { type: "reaction", conv: "~", seq: 1, emoji: "⭐" },
    { ...message(1), edited: true },
    { type: "topic", conv: "#room" },
    { ...message(2), replyTo: 1 },
  );
  await eventually(() => expect(seqs).toEqual([1, 2]));
  expect(await chat.user("bob")).toBe("busy");
  expect(server.peers.length).toBe(1);
});

test("an error that it does not know is tried again if it says so, and told if not", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      const tries = peer.heard.filter(({ type }) => type === "publish").length;
      const error = { type: "error", id: request.id, message: "later" };
      if (request.text === "no") says(peer, { ...error, code: "muted", retryable: false });
      else if (tries < 3)
        says(peer, { ...error, code: "moving", retryable: true, retryAfterMs: 1 });
      else says(peer, ok(request, { conv: "~", epoch: "a", seq: 1, mid: request.mid, ts: 1 }));
    }),
  );
  const { chat } = join(server.url);
  expect(await chat.publish("~", "yes")).toMatchObject({ seq: 1 });
  await expect(chat.publish("~", "no")).rejects.toMatchObject({ code: "muted", retryable: false });
});

test("a gap with an unknown reason is delivered, and later messages follow", async () => {
  const server = await serve(welcomes());
  const { chat, gaps, seqs } = join(server.url);
  await chat.joined();
  const gap = { type: "gap", conv: "~", after: 0, before: 5, reason: "moderated" };
  says(server.peers[0]!, gap, message(5));
  await eventually(() => expect(seqs).toEqual([5]));
  expect(gaps).toMatchObject([{ after: 0, before: 5, reason: "moderated" }]);
});

test("a close code that it does not know is for good from 4400 to 4499, else it comes back", async () => {
  const server = await serve();
  const { chat } = join(server.url);
  await chat.joined();
  server.peers[0]!.socket.close(4599, "of a later version");
  await eventually(() => expect(server.peers[1]?.hello).toBeDefined());
  await chat.joined();
  server.peers[1]!.socket.close(4499, "of a later version");
  await eventually(() => expect(chat.state).toMatchObject({ name: "closed", code: 4499 }));
});
