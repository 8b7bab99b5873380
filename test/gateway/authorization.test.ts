/** Every command, join and read asks the policy: a policy that refuses more is obeyed by all dialects. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type * as policyModule from "#tertulia/chat/policy.js";
import type { Policy } from "#tertulia/chat/policy.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** What the policy of the node refuses besides. */
const besides = vi.hoisted((): { may: Policy["may"] } => ({ may: () => undefined }));

vi.mock("#tertulia/chat/policy.js", async (original) => {
  const real = await original<typeof policyModule>();
  const createPolicy: typeof real.createPolicy = (limits) => {
    const policy = real.createPolicy(limits);
    return { ...policy, may: (...asked) => besides.may(...asked) ?? policy.may(...asked) };
  };
  return { ...real, createPolicy };
});

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  besides.may = () => undefined;
  await redis.client.flushall();
  gateway = await node(redis.url, {
    REQUESTS_PER_SECOND: 100,
    PRESENCE_LINGER_MS: 300,
    PRIVATE_HISTORY: "name",
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await gateway.close();
});

function keep<C extends { vanish(): void }>(client: C): C {
  clients.push(client);
  return client;
}

async function usersInRedis(): Promise<string[]> {
  const keys = await redis.client.keys("*:users");
  return (await Promise.all(keys.map((key) => redis.client.hkeys(key)))).flat();
}

const noJoin: Policy["may"] = (actor, command) =>
  actor.kind === "stranger" && command.type === "register" ? "forbidden" : undefined;

test("a hello that the policy refuses claims nothing, and may be said again", async () => {
  besides.may = noJoin;
  const ana = keep(await JsonClient.connect(gateway.port));
  ana.says({ type: "hello", id: 1, name: "ana" });
  expect(await ana.next()).toMatchObject({ type: "error", id: 1, code: "forbidden" });
  expect(await usersInRedis()).toEqual([]);
  besides.may = () => undefined;
  ana.says({ type: "hello", id: 2, name: "ana" });
  await ana.hears({ type: "welcome", id: 2 });
});

test("an op 10 that the policy refuses claims nothing, and may be said again", async () => {
  besides.may = noJoin;
  const ana = keep(await ClassicClient.connect(gateway.port, "", "ws-protocol"));
  ana.says(10, L("ana"));
  expect([...(await ana.next())]).toEqual([50, 7]);
  expect(await usersInRedis()).toEqual([]);
  besides.may = () => undefined;
  ana.says(10, L("ana"));
  expect([...(await ana.next())]).toEqual([53, ...L("ana"), 1]);
});

test("a name in the request line that the policy refuses gets 400, in every dialect and in plain HTTP", async () => {
  besides.may = noJoin;
  const { port } = gateway;
  await expect(ClassicClient.attempt(port, "ana")).rejects.toThrow("refused with 400");
  const inBytes = ClassicClient.attempt(port, "ana", "ws-protocol");
  await expect(inBytes).rejects.toThrow("refused with 400");
  await expect(JsonClient.connect(port, "?name=ana")).rejects.toThrow("refused with 400");
  const answer = await fetch(`http://127.0.0.1:${port}/?name=ana`);
  expect([answer.status, await answer.text()]).toEqual([400, "not allowed\n"]);
  expect(await usersInRedis()).toEqual([]);
});

test("whoever has joined may do what is allowed, when the policy lets nobody else in", async () => {
  const ana = keep(await JsonClient.hello(gateway.port, "ana"));
  besides.may = noJoin;
  expect(await ana.asks({ type: "publish", text: "hi" })).toMatchObject({ type: "ok" });
});

/** Ana and Bob have talked, and Ana has gone. */
async function talk(): Promise<void> {
  const ana = await JsonClient.hello(gateway.port, "ana");
  const bob = await JsonClient.hello(gateway.port, "bob");
  for (const text of ["secret 1", "secret 2"]) {
    expect(await bob.asks({ type: "publish", conv: "@ana", text })).toMatchObject({ type: "ok" });
  }
  for (const client of [ana, bob]) {
    client.says({ type: "bye" });
    await client.closed();
  }
}

test.each([
  ["listed", {}],
  ["with a cursor", { resume: { "@bob": ["0", 0] } }],
])(
  "a conversation that the policy does not let a user read is not resumed: %s",
  async (_, more) => {
    await talk();
    const told = keep(await JsonClient.hello(gateway.port, "ana"));
    expect(convsIn(told)).toEqual(["~", "@bob"]);
    expect(await told.hears({ type: "message" })).toMatchObject({ text: "secret 1" });
    told.says({ type: "bye" });
    await told.closed();

    besides.may = (_actor, command) =>
      "of" in command && command.of.kind === "direct" ? "forbidden" : undefined;
    const ana = keep(await JsonClient.hello(gateway.port, "ana", more));
    expect(convsIn(ana)).toEqual(["~"]);
    ana.says({ type: "history", id: 1, conv: "@bob" });
    expect(await ana.next()).toMatchObject({ type: "error", id: 1, code: "forbidden" });
  },
);

test("a client whose page is refused while it catches up is closed with 4500, so that it resumes", async () => {
  await talk();
  besides.may = (_actor, command) =>
    command.type === "page" && command.range.limit > 1 ? "forbidden" : undefined;
  const ana = keep(await JsonClient.hello(gateway.port, "ana", { resume: { "@bob": ["0", 0] } }));
  expect(await ana.closed()).toBe(4500);
  expect(ana.heard.filter(({ type }) => type === "message")).toEqual([]);
});

function convsIn({ heard }: JsonClient): string[] {
  const welcome = heard.find(({ type }) => type === "welcome");
  return (welcome!["conversations"] as { conv: string }[]).map(({ conv }) => conv);
}
