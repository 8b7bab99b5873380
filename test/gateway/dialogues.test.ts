/** The dialogues that the documents show are exact: typed into a client by hand, they are heard as written. */
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dialoguesIn, play } from "../support/dialogue.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** As the documents have it. */
const FIRST_PORT = 9_000;
const documents = { README: await read("README.md"), PROTOCOL: await read("PROTOCOL.md") };

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];
const clients: JsonClient[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = await Promise.all(
    [1, 2].map(() => node(redis.url, { REQUESTS_PER_SECOND: 1_000, STOP_WITHIN_MS: 60_000 })),
  );
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

async function connect(port: number, query: string): Promise<JsonClient> {
  const client = await JsonClient.connect(nodes[port - FIRST_PORT]!.port, query);
  clients.push(client);
  return client;
}

const events = {
  "the connection is lost, and the answer with it": async (client: JsonClient) => {
    await client.awaits({ type: "ok" });
    client.vanish();
  },
  "the connection is lost, and bob writes 600 messages": async (client: JsonClient) => {
    client.vanish();
    const bob = await connect(FIRST_PORT, "?name=bob");
    for (let id = 1; id <= 600; id++) bob.says({ type: "publish", id, text: `message ${id}` });
    await bob.awaits({ type: "ok", id: 600 });
  },
  // not awaited: it waits for its clients
  "the node on port 9000 is told to stop": () => void nodes[0]!.close(new AbortController().signal),
};

describe.each(Object.entries(documents))("%s", (_, document) => {
  const dialogues = dialoguesIn(document).filter(([, lines]) => lines.includes("wscat"));
  test.each(dialogues)("%s", async (__, lines) => {
    await play(lines, { connect, events });
  });
});

test("README has a session by hand, PROTOCOL.md the dialogues", () => {
  const lengths = Object.values(documents).map((each) => dialoguesIn(each).length);
  expect(lengths).toEqual([1, 7]);
});

function read(name: string): Promise<string> {
  return readFile(new URL(`../../${name}`, import.meta.url), "utf8");
}
