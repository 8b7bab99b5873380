/** Clients that ask for more than their share, over real sockets. What is counted is work, and whose turn it was: never time. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Counters } from "#tertulia/observe.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient, type Frame } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { masked, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** So few that a slow machine does not matter: two tokens, and one a second. */
const FEW = { REQUESTS_PER_SECOND: 1 };
const STRIKES = 100;
/** Of the frames that cannot be read, which cost half a token, and of questions, with what comes back meanwhile. */
const MOST_READ = 40;

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

async function gatewayOf(prefix: string, more = {}): Promise<Awaited<ReturnType<typeof node>>> {
  const gateway = await node(redis.url, { REDIS_PREFIX: prefix, ...more });
  onTestFinished(() => gateway.close());
  return gateway;
}

/** How many frames were carried out, or refused. */
function framesOf({ frames }: Counters, kind: "command" | "ignored" | "bad" | "refused"): number {
  return frames.of(kind).samples("", {})[0]!.value;
}

/** A client that says what it likes, and reads nothing. */
async function raw(port: number, target: string, more = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(upgradeRequest(target, more));
  await once(socket, "data");
  socket.resume();
  return socket;
}

const WASTE = [
  { what: "empty frames", frame: masked([]) },
  { what: "unknown ops", frame: masked([99]) },
  { what: "frames that end within their layout", frame: masked([4, 200]) },
];

test.each(WASTE)(
  "a flood of $what is read no further than its tokens, and closed [abuse:bytes-waste]",
  async ({ what, frame }) => {
    const gateway = await gatewayOf(`waste-${what.length}`, FEW);
    const bob = await ClassicClient.connect(gateway.port, "bob");
    const flooder = await raw(gateway.port, "/?name=flooder");
    flooder.write(Buffer.concat(Array<Buffer>(20_000).fill(frame)));
    await bob.awaits(54, L("flooder"), 0);
    const [ignored, refused] = (["ignored", "refused"] as const).map((kind) =>
      framesOf(gateway.counters, kind),
    ) as [number, number];
    expect(ignored).toBeLessThanOrEqual(MOST_READ);
    expect(ignored + refused).toBeLessThanOrEqual(MOST_READ + 2 * STRIKES);
    expect(
      gateway.log.find(({ event, user }) => event === "disconnected" && user === "flooder"),
    ).toMatchObject({ code: 4429 });
    bob.vanish();
  },
);

test("error 8 comes before the close [abuse:bytes-waste]", async () => {
  const gateway = await gatewayOf("waste-told", FEW);
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 300; i++) ana.says(99);
  await ana.hears(50, 8);
  expect(await ana.closed()).toBe(4429);
});

test("of questions that are asked without end, those that would wait long are refused; that closes nothing [abuse:bytes-questions]", async () => {
  const gateway = await gatewayOf("questions", { REQUESTS_PER_SECOND: 500 });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 800; i++) ana.says(5, L("~"));
  await eventually(() => expect(ana.heard.length).toBe(800));
  const codes = ana.heard.map(([code]) => code);
  expect(new Set(codes)).toEqual(new Set([56, 50]));
  expect(codes.filter((code) => code === 50).length).toBeGreaterThan(STRIKES);
  await ana.settles();
  ana.vanish();
});

test("of the same lists that wait for tokens one behind the other, one is answered, and nothing behind them waits long [abuse:bytes-lists]", async () => {
  const gateway = await gatewayOf("lists");
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 1_500; i++) ana.says(1);
  const heard = await ana.settles();
  expect(new Set(heard.map(([code]) => code))).toEqual(new Set([51]));
  expect(heard.length).toBeLessThan(150);
  // the other list is none of the same
  for (let i = 0; i < 300; i++) ana.says(1);
  ana.says(6);
  await ana.awaits(57, 1, L("ana"), 1);
  ana.vanish();
});

test("a client that lists at each notice is answered and heard, however many others cause them [abuse:bytes-lists]", async () => {
  const gateway = await gatewayOf("lister", { ADDRESS_REQUESTS_PER_SECOND: 0 });
  const lister = await ClassicClient.connect(gateway.port, "lister");
  lister.webSocket.on("message", (bytes: Buffer) => {
    if (bytes[0] === 55 && bytes[1] === 3) lister.says(1);
  });
  const bobs = await Promise.all(
    ["bo0", "bo1", "bo2", "bo3", "bo4", "bo5"].map((name) =>
      ClassicClient.connect(gateway.port, name),
    ),
  );
  for (const bob of bobs) for (let i = 0; i < 200; i++) bob.says(4, L("~"), L(`${i}`));
  await lister.settles();
  for (const bob of bobs) await bob.awaits(55, L(bob.name), L("199"));
  await lister.settles();
  expect(lister.heard.filter(([code]) => code === 50)).toEqual([]);
  for (const each of [lister, ...bobs]) each.vanish();
});

test("what a byte client sent before its close frame is carried out, however much it is", async () => {
  const gateway = await gatewayOf("before-close");
  const bob = await ClassicClient.connect(gateway.port, "bob");
  const ana = await raw(gateway.port, "/?name=ana");
  await bob.awaits(53, L("ana"), 1);
  const text = (i: number): number[] => [4, 1, 126, 4, ...Buffer.from(`${1_000 + i}`)];
  const sent = Array.from({ length: 800 }, (_, i) => masked(text(i)));
  const close = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 1_000 >> 8, 1_000 & 255]);
  ana.write(Buffer.concat([...sent, close]));
  for (let i = 0; i < sent.length; i++) await bob.hears(55, L("ana"), L(`${1_000 + i}`));
  await bob.hears(54, L("ana"), 0);
  bob.vanish();
});

test("questions that are few wait for their answers, and messages are never refused", async () => {
  const gateway = await gatewayOf("patience", { REQUESTS_PER_SECOND: 50 });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 60; i++) ana.says(2, L("ana"));
  for (let i = 0; i < 60; i++) expect((await ana.next())[0]).toBe(52);
  for (let i = 0; i < 14; i++) ana.says(5, L("~"));
  for (let i = 0; i < 14; i++) expect((await ana.next())[0]).toBe(56);
  for (let i = 0; i < 200; i++) ana.says(4, L("~"), L(`${i}`));
  for (let i = 0; i < 200; i++) await ana.hears(55, L("ana"), L(`${i}`));
  ana.vanish();
});

test.each([
  ["a private one has none, for it may be a balancer's", {}, undefined, "pong"],
  ["of a public one", { TRUSTED_PROXIES: "loopback" }, "192.0.2.7", "error"],
  ["of any, if it was set", { ADDRESS_REQUESTS_PER_SECOND: 2_000 }, undefined, "error"],
])("the tokens of an address: %s", async (_, more, address, last) => {
  const gateway = await gatewayOf(`address-${last}-${address}`, {
    REQUESTS_PER_SECOND: 100_000,
    ...more,
  });
  const headers = address === undefined ? {} : { "x-forwarded-for": address };
  const ana = await JsonClient.connect(gateway.port, "", headers);
  await ana.asks({ type: "hello", name: "ana" });
  for (let i = 0; i < 9_000; i++) ana.says({ type: "ping" });
  let answer = await ana.next();
  for (let i = 1; i < 9_000 && answer.type === "pong"; i++) answer = await ana.next();
  expect(answer.type).toBe(last);
  ana.webSocket.terminate();
});

test("a frame that comes a byte at a time ends its connection, before its pieces fill the memory", async () => {
  const gateway = await gatewayOf("pieces");
  const socket = await raw(gateway.port, "/?name=dripping");
  socket.setNoDelay(true);
  const heard: number[] = [];
  socket.on("data", (bytes: Buffer) => void heard.push(...bytes));
  const closed = once(socket, "close");
  socket.write(Buffer.from([0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0]));
  for (let sent = 0; !socket.destroyed && sent < 60_000; sent++) {
    await new Promise((resolve) => socket.write("x", resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  expect(heard.slice(-4)).toEqual([0x88, 2, 1008 >> 8, 1008 & 255]);
});

test("what others say is carried out in the midst of a flood", async () => {
  const gateway = await gatewayOf("turns", {
    REQUESTS_PER_SECOND: 100_000,
    ADDRESS_REQUESTS_PER_SECOND: 0,
  });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const flooder = await raw(gateway.port, "/?name=flooder");
  await ana.awaits(53, L("flooder"), 1);
  await ana.settles();
  // the gateway reads thousands of them at once; carried out in one go, the last one would be stored first
  const flood = Array<Buffer>(9_000).fill(masked([99]));
  flooder.write(Buffer.concat([...flood, masked([4, 1, 126, 3, 101, 110, 100])]));
  ana.says(4, L("~"), L("elo"));
  await ana.hears(55, L("ana"), L("elo"));
  await ana.hears(55, L("flooder"), L("end"));
});

test("frames of a connection without a name cost tokens: they wait [abuse:bytes-too-fast]", async () => {
  const gateway = await gatewayOf("nameless", FEW);
  const nameless = await raw(gateway.port, "/", "Sec-WebSocket-Protocol: ws-protocol\r\n");
  nameless.write(Buffer.concat(Array<Buffer>(9_000).fill(masked([1]))));
  const ana = await ClassicClient.connect(gateway.port, "ana");
  await ana.settles();
  expect(framesOf(gateway.counters, "command")).toBeLessThanOrEqual(MOST_READ);
  ana.vanish();
});

test("a byte client may say a hundred messages at once: none of them waits for tokens", async () => {
  const gateway = await gatewayOf("burst");
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 100; i++) ana.says(4, L("~"), L(`${i}`));
  for (let i = 0; i < 100; i++) await ana.hears(55, L("ana"), L(`${i}`));
  ana.vanish();
});

test("what is behind the hundredth strike is not looked at [abuse:frame-hundred-bad]", async () => {
  const gateway = await gatewayOf("strikes");
  const ana = await JsonClient.connect(gateway.port);
  const closed = ana.closed();
  for (let i = 0; i < 1_000; i++) ana.says("{");
  expect(await closed).toBe(4400);
  const { counters } = gateway;
  expect(framesOf(counters, "bad") + framesOf(counters, "refused")).toBe(STRIKES);
});

test("a JSON client is refused what it asks too fast, and what was stored is acknowledged [abuse:frame-rate]", async () => {
  const gateway = await gatewayOf("refused", { REQUESTS_PER_SECOND: 10 });
  const ana = await JsonClient.hello(gateway.port, "ana");
  const asked = Array.from({ length: 60 }, (_, id) => ({ type: "publish", id, text: `${id}` }));
  for (const each of asked) ana.says(each);
  const answers = await eventually(() => {
    const answered = ana.heard.filter(({ id }) => typeof id === "number");
    expect(answered).toHaveLength(asked.length);
    return answered;
  });
  const stored = answers.filter(({ type }) => type === "ok");
  const refused = answers.filter(({ type }) => type === "error");
  expect(stored.length).toBeGreaterThan(0);
  expect(refused.length).toBeGreaterThan(0);
  for (const each of refused) expect(each).toMatchObject({ code: "rate_limited" });
  const told = ana.heard.filter(({ type }) => type === "message");
  expect(told).toHaveLength(stored.length);
});

test.each(["classic", "JSON"] as const)(
  "%s: of statuses that change fast, others hear a few, and the last; each is answered [abuse:op3-often] [abuse:status-often]",
  async (dialect) => {
    const gateway = await gatewayOf(`flips-${dialect}`, { REQUESTS_PER_SECOND: 100_000 });
    const bob = await ClassicClient.connect(gateway.port, "bob");
    const FLIPS = 201;
    const beganMs = performance.now();
    if (dialect === "classic") {
      const ana = await ClassicClient.connect(gateway.port, "ana");
      for (let i = 0; i < FLIPS; i++) ana.says(3, i % 2 === 0 ? 2 : 1);
      await eventually(() => expect(ana.heard.filter(([code]) => code === 54)).toHaveLength(FLIPS));
      onTestFinished(() => ana.vanish());
    } else {
      const ana = await JsonClient.hello(gateway.port, "ana");
      for (let id = 0; id < FLIPS; id++) {
        ana.says({ type: "status", id, status: id % 2 === 0 ? "busy" : "active" });
      }
      await eventually(() => {
        const answers = ana.heard.filter(({ type }) => type === "ok");
        expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: FLIPS }, (_, id) => id));
        expect(answers.at(-1)).toMatchObject({ user: "ana", status: "busy" });
      });
      onTestFinished(() => ana.webSocket.terminate());
    }
    await bob.settles();
    const told = bob.heard.filter(([code]) => code === 54);
    const seconds = (performance.now() - beganMs) / 1_000;
    expect(told.length).toBeLessThanOrEqual(4 + 2 * seconds);
    expect(told.at(-1)).toEqual(Buffer.from([54, ...L("ana"), 2]));
    bob.vanish();
  },
);

test("a client that comes back when it was told to is served [abuse:frame-rate]", async () => {
  const gateway = await gatewayOf("told", { REQUESTS_PER_SECOND: 20 });
  const ana = await JsonClient.hello(gateway.port, "ana");
  let inARow = 0;
  for (let done = 0; done < 60;) {
    const answer = await ana.asks({ type: "ping" });
    if (answer.type === "pong") {
      [done, inARow] = [done + 1, 0];
      continue;
    }
    expect(answer).toMatchObject({ type: "error", code: "rate_limited" });
    // a timer may be a moment early
    expect(++inARow).toBeLessThanOrEqual(2);
    await new Promise((resolve) => setTimeout(resolve, Number(answer["retryAfterMs"])));
  }
  ana.webSocket.terminate();
});

test("long answers cost more than short ones: who asks for many is refused sooner [abuse:frame-rate]", async () => {
  const gateway = await gatewayOf("long-answers");
  const ana = await JsonClient.hello(gateway.port, "ana");
  for (let i = 0; i < 60; i++) await ana.asks({ type: "publish", text: "x".repeat(4_000) });
  const refusals = async (name: string, limit: number): Promise<number> => {
    const reader = await JsonClient.hello(gateway.port, name);
    for (let id = 1; id <= 10; id++) reader.says({ type: "history", limit, id });
    const answers = [];
    while (answers.length < 10) {
      const frame = await reader.next();
      if (frame["id"] !== undefined) answers.push(frame["code"]);
    }
    reader.vanish();
    return answers.filter((code) => code === "rate_limited").length;
  };
  expect(await refusals("short", 1)).toBe(0);
  expect(await refusals("long", 60)).toBeGreaterThan(0);
  ana.vanish();
});

test("new names of an address are so many a minute; names that are known come in [abuse:names-of-address]", async () => {
  const gateway = await gatewayOf("names", { NEW_NAMES_PER_MINUTE: 1 });
  for (let i = 0; i < 5; i++) (await ClassicClient.connect(gateway.port, `new-${i}`)).vanish();
  await expect(ClassicClient.attempt(gateway.port, "new-5")).rejects.toThrow("429");
  const ana = await JsonClient.connect(gateway.port);
  const refused = await ana.asks({ type: "hello", name: "new-6" });
  expect(refused).toMatchObject({ type: "error", code: "rate_limited", retryable: true });
  expect(Number(refused["retryAfterMs"])).toBeGreaterThan(1_000);
  const seed = await ClassicClient.connect(gateway.port, "", "ws-protocol");
  seed.says(10, L("new-7"));
  await seed.hears(50, 8);
  await eventually(async () => {
    const back = await ClassicClient.attempt(gateway.port, "new-0");
    back.vanish();
  });
  // nothing is kept of those who were refused
  for (const each of ["new-5", "new-6", "new-7"]) {
    expect(await isKnown(gateway.port, each)).toBe(false);
  }
});

test("of new names that come at the same time, no more come in than may [abuse:names-of-address]", async () => {
  const gateway = await gatewayOf("names-at-once", { NEW_NAMES_PER_MINUTE: 1 });
  const tried = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) => ClassicClient.attempt(gateway.port, `at-once-${i}`)),
  );
  const come = tried.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  for (const each of come) each.vanish();
  expect(come).toHaveLength(5);
});

test("known names that come at the same time come in all the same", async () => {
  const gateway = await gatewayOf("known-at-once", { NEW_NAMES_PER_MINUTE: 4 });
  const names = Array.from({ length: 20 }, (_, i) => `known-${i}`);
  const comeAll = (): Promise<ClassicClient[]> =>
    Promise.all(names.map((name) => ClassicClient.attempt(gateway.port, name)));
  for (const each of await comeAll()) each.vanish();
  await eventually(async () => {
    for (const each of await comeAll()) each.vanish();
  });
});

test("who comes and goes again and again has to wait, and may come later [abuse:comes-often]", async () => {
  const gateway = await gatewayOf("joins");
  const answers = new Set<string>();
  const comeAndGo = async (name: string): Promise<void> => {
    while (!answers.has("Error: refused with 429")) {
      const come = ClassicClient.attempt(gateway.port, name);
      answers.add(await come.then(({ webSocket }) => String(webSocket.close()), String));
    }
  };
  await Promise.all(Array.from({ length: 12 }, () => comeAndGo("roamer")));
  // others do not wait with it
  (await ClassicClient.connect(gateway.port, "ana")).vanish();
  await eventually(async () => (await ClassicClient.attempt(gateway.port, "roamer")).vanish());
});

async function isKnown(port: number, name: string): Promise<boolean> {
  const looker = await ClassicClient.connect(port, "new-1");
  looker.says(2, L(name));
  const answer = await looker.next();
  looker.vanish();
  await looker.closed();
  return answer[0] === 52;
}

/** Asks for all of it at once. Returns the answers. */
async function answersTo(client: JsonClient, requests: readonly object[]): Promise<Frame[]> {
  const ids = requests.map(() => `all-${Math.random()}`);
  requests.forEach((each, i) => client.says({ ...each, id: ids[i] }));
  return eventually(() => {
    const answers = client.heard.filter(({ id }) => ids.includes(id as string));
    expect(answers).toHaveLength(ids.length);
    return answers;
  });
}

function times(count: number, request: object): object[] {
  return Array.from({ length: count }, () => request);
}

test("those who were not answered may write to one user as much as one of them might, and go on with others [abuse:publish-unanswered]", async () => {
  const gateway = await gatewayOf("unanswered", { REQUESTS_PER_SECOND: 20 });
  const names = ["bob", "o0", "o1", "o2", "o3", "o4", "o5"];
  const [bob, ...others] = await Promise.all(
    names.map((name) => JsonClient.hello(gateway.port, name)),
  );
  const toBob = { type: "publish", conv: "@bob", text: "x" };
  const answers = await Promise.all(others.map((each) => answersTo(each, times(25, toBob))));
  const refused = answers.flat().filter(({ type }) => type === "error");
  expect(refused.length).toBeGreaterThan(0);
  for (const each of refused) {
    expect(each).toMatchObject({ code: "rate_limited", retryable: true });
    expect(each["retryAfterMs"]).toBeGreaterThan(0);
  }
  const stored = answers.flat().length - refused.length;
  expect(stored).toBeGreaterThanOrEqual(40);
  await eventually(() =>
    expect(bob!.heard.filter(({ type }) => type === "message")).toHaveLength(stored),
  );
  const toAll = await answersTo(others[0]!, [{ type: "publish", text: "to all" }]);
  expect(toAll).toMatchObject([{ type: "ok" }]);
  for (const each of [bob!, ...others]) each.vanish();
});

test("who was answered waits for nobody else's messages", async () => {
  const gateway = await gatewayOf("answered", { REQUESTS_PER_SECOND: 20 });
  const [bob, ana, ...others] = await Promise.all(
    ["bob", "ana", "o1", "o2", "o3", "o4"].map((name) => JsonClient.hello(gateway.port, name)),
  );
  await bob!.asks({ type: "publish", conv: "@ana", text: "hi" });
  await ana!.awaits({ type: "message", text: "hi" });
  const toBob = { type: "publish", conv: "@bob", text: "x" };
  const flood = Promise.all(others.map((each) => answersTo(each, times(25, toBob))));
  for (const each of await answersTo(ana!, times(20, toBob))) expect(each.type).toBe("ok");
  expect((await flood).flat().some(({ type }) => type === "error")).toBe(true);
  for (const each of [bob!, ana!, ...others]) each.vanish();
});

test("a byte client's message to a user who is flooded waits, in its place [abuse:op4-unanswered]", async () => {
  const gateway = await gatewayOf("unanswered-bytes", { REQUESTS_PER_SECOND: 20 });
  const clients = await Promise.all(
    ["bob", "ana", "o1", "o2", "o3"].map((name) => ClassicClient.connect(gateway.port, name)),
  );
  const [bob, ...others] = clients;
  for (const each of others) for (let i = 0; i < 20; i++) each.says(4, L("bob"), L(`${i}`));
  for (const each of others)
    for (let i = 0; i < 20; i++) await each.awaits(55, L(each.name), L(`${i}`));
  for (const each of others) expect(each.heard.filter(([code]) => code === 50)).toEqual([]);
  await eventually(() => expect(bob!.heard.filter(([code]) => code === 55)).toHaveLength(80));
  for (const each of clients) each.vanish();
});

test("of typing that is told again and again, others hear a few times; each is answered [abuse:typing-often]", async () => {
  const gateway = await gatewayOf("typing");
  const [ana, bob] = await Promise.all(
    ["ana", "bob"].map((name) => JsonClient.hello(gateway.port, name)),
  );
  const typing = times(40, { type: "typing", conv: "@bob" });
  for (const each of await answersTo(ana!, typing)) expect(each.type).toBe("ok");
  await ana!.asks({ type: "publish", conv: "@bob", text: "last" });
  await bob!.awaits({ type: "message", text: "last" });
  const told = bob!.heard.filter(({ type }) => type === "typing");
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(typing.length);
  for (const each of [ana, bob]) each!.vanish();
});
