/** What is published or asked: order, losses, refusals, limits. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Status } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { ok, refusal, stored, texts, welcomes } from "../support/scripted-server.js";
import { join, serve, upTo } from "../support/sdk-scene.js";

test("publishes go out in order, one at a time in each conversation, and again after a loss", async () => {
  let answers = 2;
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "publish" && answers-- > 0) peer.says(stored(request));
    }),
  );
  const { chat } = join(server.url);
  const numbers = [1, 2, 3, 4, 5];
  const said = Promise.all(numbers.map((n) => chat.publish("~", `text ${n}`)));
  await eventually(() => expect(texts(server.peers[0])).toEqual(["text 1", "text 2", "text 3"]));
  expect(chat.pending).toBe(3);
  answers = 10;
  server.peers[0]!.socket.terminate();
  expect((await said).map(({ seq }) => seq)).toEqual(numbers);
  expect(texts(server.peers[1])).toEqual(["text 3", "text 4", "text 5"]);
  const mids = server.peers.map(({ heard }) => {
    const third = heard.find((each) => each.type === "publish" && each.text === "text 3");
    return third?.type === "publish" && third.mid;
  });
  expect(mids[0]).toBe(mids[1]);
});

test("rate_limited and unavailable are retried after a wait, and order is kept", async () => {
  const refusals = ["unavailable", "rate_limited", undefined, "internal", "unavailable"] as const;
  let turn = 0;
  const times: number[] = [];
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      times.push(performance.now());
      const code = refusals[turn++];
      peer.says(code ? refusal(request, code, 60) : stored(request));
    }),
  );
  const { chat } = join(server.url);
  const said = Promise.all([1, 2, 3].map((n) => chat.publish("~", `text ${n}`)));
  expect((await said).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const one = Array.from({ length: 3 }, () => "text 1");
  const two = Array.from({ length: 3 }, () => "text 2");
  expect(texts(server.peers[0])).toEqual([...one, ...two, "text 3"]);
  for (const i of [1, 2, 4, 5]) expect(times[i]! - times[i - 1]!).toBeGreaterThan(50);
});

test("at most 32 requests are in flight; after rate_limited first one, then two", async () => {
  const asked: number[] = [];
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "history") return;
      asked.push(request.before!);
      if (asked.length <= 32) peer.says(refusal(request, "rate_limited", 60));
      else if (asked.length === 33) peer.says(ok(request, {}));
    }),
  );
  const { chat } = join(server.url);
  await chat.joined();
  const [first, ...others] = upTo(40).map((before) => chat.history("~", { before }));
  for (const each of others) each.catch(() => {}); // closed at the end
  await eventually(() => expect(asked).toEqual([...upTo(32), 1, 2, 3]));
  await first;
  expect(chat.pending).toBe(39);
});

test("a message does not wait behind histories that were asked for before", async () => {
  const asked: string[] = [];
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "history" && request.type !== "publish") return;
      asked.push(request.type);
      if (asked.length <= 32) peer.says(refusal(request, "rate_limited", 60));
      else peer.says(request.type === "publish" ? stored(request) : ok(request, {}));
    }),
  );
  const { chat } = join(server.url);
  await chat.joined();
  const histories = upTo(60).map((before) => chat.history("~", { before }));
  await eventually(() => expect(asked).toHaveLength(32));
  await chat.publish("~", "now");
  expect(asked.slice(0, 33)).toEqual([...upTo(32).map(() => "history"), "publish"]);
  await Promise.all(histories);
});

test("conversations with many messages let others have their turn", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "publish") peer.says(stored(request));
    }),
  );
  const { chat } = join(server.url); // not joined yet: all of them wait
  const talks = upTo(40).flatMap((n) => upTo(3).map((m) => ({ conv: `@bob${n}`, text: `${m}` })));
  await Promise.all(talks.map(({ conv, text }) => chat.publish(conv, text)));
  const sent = texts(server.peers[0]);
  expect(sent).toEqual(["1", "2", "3"].flatMap((text) => upTo(40).map(() => text)));
});

test("a refused message is rejected, and later ones are sent", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      peer.says(request.text === "" ? refusal(request, "empty") : stored(request));
    }),
  );
  const { chat } = join(server.url);
  const empty = chat.publish("~", "");
  const next = chat.publish("~", "text 2");
  await expect(empty).rejects.toMatchObject({ code: "empty", retryable: false });
  expect(await next).toMatchObject({ seq: 2 });
});

test("a repeated internal error does not block the conversation for good", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type !== "publish") return;
      peer.says(request.text === "bad" ? refusal(request, "internal", 5) : stored(request));
    }),
  );
  const { chat } = join(server.url);
  const bad = chat.publish("~", "bad");
  const next = chat.publish("~", "text 2");
  await expect(bad).rejects.toMatchObject({ code: "internal" });
  expect(await next).toMatchObject({ seq: 2 });
});

test("a message too large for a frame is refused by the SDK, before the server closes the connection", async () => {
  const server = await serve();
  const { chat } = join(server.url);
  const before = chat.publish("~", "é".repeat(40_000)); // 80,000 bytes
  await expect(before).rejects.toMatchObject({ code: "too_large" });
  expect(texts(server.peers[0])).toEqual([]);
});

test("a full outbox refuses further requests", async () => {
  const server = await serve(() => {});
  const { chat } = join(server.url, { outboxLimit: 2 });
  const kept = [chat.publish("~", "1"), chat.history("~")];
  const refused = chat.publish("~", "3");
  await expect(refused).rejects.toMatchObject({ code: "outbox_full", retryable: true });
  await chat.close();
  for (const each of kept) await expect(each).rejects.toMatchObject({ code: "closed" });
});

test("an aborted publish is not sent; if it was sent already, later ones still wait for its answer", async () => {
  const server = await serve(welcomes());
  const { chat } = join(server.url);
  await chat.joined();
  const first = new AbortController();
  const second = new AbortController();
  const said = [
    chat.publish("~", "text 1", { signal: first.signal }),
    chat.publish("~", "text 2", { signal: second.signal }),
    chat.publish("~", "text 3"),
  ];
  await eventually(() => expect(texts(server.peers[0])).toEqual(["text 1"]));
  second.abort(new Error("changed my mind"));
  first.abort(new Error("and this one"));
  await expect(said[0]).rejects.toThrow("and this one");
  await expect(said[1]).rejects.toThrow("changed my mind");
  expect(texts(server.peers[0])).toEqual(["text 1"]); // its answer is out
  const request = server.peers[0]!.heard.find(({ type }) => type === "publish");
  server.peers[0]!.says(stored(request as never));
  await eventually(() => expect(texts(server.peers[0])).toEqual(["text 1", "text 3"]));
  const third = server.peers[0]!.heard.at(-1)!;
  server.peers[0]!.says(stored(third as never));
  expect(await said[2]).toMatchObject({ seq: 3 });
});

test("typing is sent at most every three seconds per conversation", async () => {
  const server = await serve(welcomes());
  const { chat } = join(server.url);
  await chat.joined();
  for (const conv of ["~", "~", "@bob", "~"]) chat.typing(conv);
  await eventually(() => expect(server.peers[0]!.heard.length).toBe(3));
  chat.setStatus("active").catch(() => {}); // closed at the end
  await eventually(() => {
    const types = server.peers[0]!.heard.map(({ type }) => type);
    expect(types).toEqual(["hello", "typing", "typing", "status"]);
  });
});

test("busy is sent again at each reconnect, unless another status was chosen meanwhile", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "status") peer.says(ok(request, { status: request.status }));
    }),
  );
  const { chat } = join(server.url);
  await chat.setStatus("busy");
  let wanted: Promise<void> | undefined;
  chat.on("state", ({ name }) => {
    if (name === "waiting") wanted ??= chat.setStatus("active");
  });
  const helloOf = (connection: number): object | undefined =>
    server.peers[connection]?.heard.find(({ type }) => type === "hello");
  expect(helloOf(0)).not.toHaveProperty("status");
  server.peers[0]!.socket.terminate();
  await eventually(() => expect(wanted).toBeDefined());
  await wanted;
  expect(helloOf(1)).toMatchObject({ status: "busy" });
  const statuses = server.peers[1]!.heard.filter(({ type }) => type === "status");
  expect(statuses).toMatchObject([{ status: "active" }]);
  server.peers[1]!.socket.terminate();
  await eventually(() => expect(helloOf(2)).toBeDefined());
  expect(helloOf(2)).not.toHaveProperty("status");
  join(server.url, { isBusy: true });
  await eventually(() => expect(helloOf(3)).toMatchObject({ status: "busy" }));
});

test("a status chosen on another device is the one sent at the next reconnect", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      const set: [string, Status][] = [["ana", "active"]];
      if (request.type === "presence") peer.says(ok(request, { count: 1, full: true, set }));
      if (request.type === "status") peer.says(ok(request, { status: request.status }));
    }),
  );
  const { chat } = join(server.url);
  const last = (): object => server.peers.at(-1)!.heard[0]!;
  await chat.presence.watch();
  for (const status of ["busy", "active"] as const) {
    server.peers.at(-1)!.says({ type: "presence", count: 1, full: true, set: [["ana", status]] });
    await eventually(() => expect(chat.presence.people.get("ana")).toBe(status));
    const before = server.peers.length;
    server.peers.at(-1)!.socket.terminate();
    await eventually(() => expect(server.peers.length).toBe(before + 1));
    await eventually(() => expect(last()).toMatchObject({ type: "hello" }));
    if (status === "busy") expect(last()).toMatchObject({ status });
    else expect(last()).not.toHaveProperty("status");
    await eventually(() => expect(chat.state.name).toBe("open"));
  }
});

test("a request aborted while the chat is away is not kept", async () => {
  const { chat } = join("ws://127.0.0.1:9"); // nobody listens there
  const giveUp = async (
    ask: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<WeakRef<object>> => {
    const controller = new AbortController();
    const asked = ask(controller.signal);
    controller.abort();
    await asked.catch(() => {}); // an expectation would keep what it was given
    return new WeakRef(controller.signal);
  };
  const given = [
    await giveUp((signal) => chat.user("bob", { signal })),
    await giveUp((signal) => chat.publish("~", "never mind", { signal })),
  ];
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await eventually(() => {
    collect();
    expect(given.filter((each) => each.deref() !== undefined)).toHaveLength(0);
  });
});

test("a message of an earlier page is sent again, unless it is too old to be stored only once", async () => {
  const server = await serve(
    welcomes(undefined, (request, peer) => {
      if (request.type === "publish") peer.says(stored(request));
    }),
  );
  const { chat } = join(server.url);
  const since = (minutes: number): object => ({ firstSentMs: Date.now() - minutes * 60_000 });
  const old = chat.publish("~", "text 1", since(15));
  const ofAnotherClock = chat.publish("~", "text 2", since(-60));
  const young = chat.publish("~", "text 3", since(10));
  await expect(old).rejects.toMatchObject({ code: "unconfirmed" });
  await expect(ofAnotherClock).rejects.toMatchObject({ code: "unconfirmed" });
  expect(await young).toMatchObject({ seq: 3 });
  expect(texts(server.peers[0])).toEqual(["text 3"]);
});
