/** A name that somebody wants while its holder is silent. PROTOCOL.md, connecting. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Keepalive } from "#tertulia/gateway/keepalive.js";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node, nodeProcess } from "../support/nodes.js";
import { masked, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { samplesOf } from "../support/samples.js";

/** What is heard of a client is no older than this when it is asked again. */
const FRESH_MS = 500;
/** A holder's node that does not answer delays a contender by this. */
const DECIDED_WITHIN_MS = 4_000;
// on a machine that stood still meanwhile, who asks may be refused once, and asks again

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  redis = await startRedis();
  nodes = await Promise.all([1, 2].map(() => node(redis.url, { PRESENCE_LINGER_MS: 0 })));
});
afterAll(async () => {
  await Promise.all(nodes.map((each) => each.close()));
  await redis.close();
});

/** Connected, and then without a word: its process hangs, but its machine is there. */
async function hang(port: number, target: string, more = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // seen as the close that follows
  socket.write(upgradeRequest(target, more));
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("101 Switching");
  socket.resume();
  await pauseFresh();
  return socket;
}

function pauseFresh(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FRESH_MS + 50));
}

const WS_PROTOCOL = "Sec-WebSocket-Protocol: ws-protocol\r\n";

for (const holderAt of [0, 1]) {
  const where = holderAt === 0 ? "here" : "elsewhere";

  test(`a silent holder that may be pinged loses a contested name, ${where}`, async () => {
    const viewer = await ClassicClient.connect(nodes[0]!.port, "viewer");
    const hanging = await hang(nodes[holderAt]!.port, "/?name=ana", WS_PROTOCOL);
    const cut = once(hanging, "close");
    await viewer.awaits(53 + (holderAt === 0 ? 0 : 1), L("ana"), 1);
    const ana = await eventually(() => ClassicClient.connect(nodes[0]!.port, "ana"));
    await cut;
    await viewer.hears(54, L("ana"), 0);
    await viewer.hears(54, L("ana"), 1);
    await ana.hearsNothing();
    await Promise.all([ana.close(), viewer.close()]);
  });

  test(`a silent JSON device loses its name too, to bytes, to a hello, and to a registration, ${where}`, async () => {
    const { port } = nodes[0]!;
    const contenders: Record<string, (name: string) => Promise<ClassicClient | JsonClient>> = {
      bytes: async (name: string) => ClassicClient.connect(port, name),
      hello: async (name: string) => JsonClient.hello(port, name),
      registration: async (name: string) => {
        const late = await ClassicClient.connect(port, "", "ws-protocol");
        late.says(10, L(name));
        await late.awaits(53, L(name), 1); // perhaps behind news of the others
        return late;
      },
    };
    await Promise.all(
      Object.entries(contenders).map(async ([kind, contend]) => {
        const name = `eva-${kind}-${where}`;
        await hang(nodes[holderAt]!.port, `/ws?name=${name}`);
        const client = await eventually(() => contend(name));
        client.webSocket.close(1000);
        await client.closed();
      }),
    );
  });

  test(`a live holder keeps a contested name, in any dialect, and the contender hears so soon, ${where}`, async () => {
    const { port } = nodes[holderAt]!;
    const holders = [
      await ClassicClient.connect(port, "bob", "ws-protocol"),
      await JsonClient.hello(port, "jo"),
      await ClassicClient.connect(port, "kim"),
    ];
    const pinged: number[] = [];
    for (const [i, { webSocket }] of holders.entries()) webSocket.on("ping", () => pinged.push(i));
    await pauseFresh();
    const began = performance.now();
    await Promise.all(
      ["bob", "jo", "kim"].map(async (name) => {
        const attempt = ClassicClient.attempt(nodes[0]!.port, name);
        await expect(attempt).rejects.toThrow("refused with 400");
      }),
    );
    expect(performance.now() - began).toBeLessThan(DECIDED_WITHIN_MS);
    expect(pinged.toSorted((a, b) => a - b)).toEqual([0, 1]); // who offered no subprotocol never is
    for (const { webSocket } of holders) {
      expect(webSocket.readyState).toBe(WebSocket.OPEN);
      webSocket.close(1000);
      await once(webSocket, "close");
    }
  });

  test(`a client without pings that has quit and waits for the next frame loses its name, ${where}`, async () => {
    const quitting = await hang(nodes[holderAt]!.port, "/?name=max");
    const heard = once(quitting, "data") as Promise<[Buffer]>;
    void heard.then(() => quitting.destroy());
    const max = await eventually(() => ClassicClient.connect(nodes[0]!.port, "max"));
    const [told] = await heard;
    expect([...told.subarray(2)]).toEqual([...frame(54, L("max"), 1)]); // behind the header
    await max.hearsNothing();
    await max.close();
  });
}

test("a contest costs Redis nothing for nodes that have nothing to do with the name", async () => {
  const disowned = async (): Promise<number> => {
    const calls = await Promise.all(
      nodes.map(({ counters }) => samplesOf(counters, "redis_call_seconds")),
    );
    const counts = calls.flat().filter(({ metricName, labels }) => {
      return metricName?.endsWith("_count") === true && labels["function"] === "disown";
    });
    return counts.reduce((sum, { value }) => sum + value, 0);
  };
  const holder = await ClassicClient.connect(nodes[0]!.port, "holder");
  const before = await disowned();
  await expect(ClassicClient.attempt(nodes[1]!.port, "holder")).rejects.toThrow("400");
  const asker = await ClassicClient.connect(nodes[1]!.port, "asker");
  await asker.settles(); // what came of the contest has been done
  expect(await disowned()).toBe(before);
  for (const client of [holder, asker]) client.vanish();
});

test("of 20 contenders for a silent holder's name on two gateways exactly one wins", async () => {
  const hanging = await hang(nodes[1]!.port, "/?name=contested", WS_PROTOCOL);
  const contend = async (): Promise<ClassicClient[]> => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => ClassicClient.attempt(nodes[i % 2]!.port, "contested")),
    );
    return outcomes.flatMap((each) => {
      if (each.status === "fulfilled") return [each.value];
      expect(String(each.reason)).toContain("refused with 400");
      return [];
    });
  };
  let winners = await contend();
  // a machine that stood still has decided nothing within the bound
  for (let round = 0; round < 5 && winners.length === 0; round++) winners = await contend();
  expect(winners).toHaveLength(1);
  await winners[0]!.close();
  hanging.destroy();
});

test.each([
  ["an upgrade that is ended", "/", "", (socket: Socket) => socket.end()],
  ["an upgrade that is cut", "/", "", (socket: Socket) => socket.destroy()],
  ["a hello", "/ws", "", (socket: Socket) => socket.destroy()],
  ["an op 10", "", WS_PROTOCOL, (socket: Socket) => socket.destroy()],
])(
  "a contender that hangs up during the contest does not take the name: %s",
  async (kind, path, more, leave) => {
    const { port, log } = nodes[0]!;
    const name = `ghost of ${kind}`;
    const viewer = await ClassicClient.connect(port, "watcher");
    await hang(port, `/?name=${encodeURIComponent(name)}`, WS_PROTOCOL);
    await viewer.awaits(53, L(name), 1);
    const contender = connect(port, "127.0.0.1");
    contender.on("error", () => {}); // seen in what follows
    const target = path === "" ? "/" : `${path}?name=${encodeURIComponent(name)}`;
    contender.write(upgradeRequest(target, more));
    if (path !== "/") await once(contender, "data");
    if (path === "") contender.write(masked([10, ...L(name)]));
    const pause = new Promise((resolve) => setTimeout(resolve, 300)); // while the holder is asked
    await pause;
    leave(contender);
    await viewer.hears(54, L(name), 0);
    await eventually(() => {
      const refused = log.filter(
        ({ event, user }) => user === name && /refused/.test(String(event)),
      );
      expect(refused).toHaveLength(1);
    });
    const heir = await ClassicClient.connect(port, name);
    await viewer.hears(54, L(name), 1);
    await Promise.all([heir.close(), viewer.close()]);
  },
);

test("a plain HTTP request for the name of a silent holder says that it is free", async () => {
  await hang(nodes[1]!.port, "/?name=zoe", WS_PROTOCOL);
  await eventually(async () => {
    const { status } = await fetch(`http://127.0.0.1:${nodes[0]!.port}/?name=zoe`);
    expect(status).toBe(200);
  });
  const zoe = await ClassicClient.connect(nodes[1]!.port, "zoe");
  await pauseFresh();
  const held = await fetch(`http://127.0.0.1:${nodes[0]!.port}/?name=zoe`);
  expect(held.status).toBe(400);
  await zoe.close();
});

test("the name of a lingering user is refused at once", async () => {
  const [lingering, other] = await Promise.all(
    [1, 2].map(() => node(redis.url, { REDIS_PREFIX: "linger", PRESENCE_LINGER_MS: 60_000 })),
  );
  const eva = await JsonClient.hello(lingering!.port, "eva", { key: "eva-s-key" });
  eva.vanish();
  const began = performance.now();
  await expect(ClassicClient.attempt(other!.port, "eva")).rejects.toThrow("refused with 400");
  expect(performance.now() - began).toBeLessThan(DECIDED_WITHIN_MS);
  const back = await JsonClient.hello(other!.port, "eva", { key: "eva-s-key" });
  back.vanish();
  // one that hangs, too, once it was found to do so
  await hang(lingering!.port, "/ws?name=jo");
  const asked = performance.now();
  await expect(ClassicClient.attempt(other!.port, "jo")).rejects.toThrow("refused with 400");
  expect(performance.now() - asked).toBeLessThan(DECIDED_WITHIN_MS);
  await Promise.all([lingering!.close(), other!.close()]);
});

test("a frozen gateway of the holder delays a contender for a bounded time", async () => {
  const settings = { REDIS_URL: redis.url, REDIS_PREFIX: "frozen", LEASE_MS: 20_000 };
  const frozen = await nodeProcess(settings);
  const other = await node(redis.url, settings);
  const ana = await ClassicClient.connect(frozen.port, "ana", "ws-protocol");
  await pauseFresh();
  frozen.child.kill("SIGSTOP");
  try {
    const began = performance.now();
    await expect(ClassicClient.attempt(other.port, "ana")).rejects.toThrow("refused with 400");
    expect(performance.now() - began).toBeLessThan(DECIDED_WITHIN_MS + 2_000);
  } finally {
    frozen.child.kill("SIGCONT");
  }
  // it wakes within its lease, and finds everything as it was
  await eventually(async () => {
    await expect(ClassicClient.attempt(other.port, "ana")).rejects.toThrow("refused with 400");
  });
  expect(ana.webSocket.readyState).toBe(WebSocket.OPEN);
  ana.vanish();
  await Promise.all([frozen.close(), other.close()]);
});

test("a process that stood still reads waiting frames before it cuts a client", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [webSocket, { socket }] = (await once(server, "connection")) as [
    WebSocket,
    IncomingMessage,
  ];
  const keepalive = new Keepalive({ put: () => webSocket.terminate() });
  keepalive.attach(webSocket, socket);
  for (const sign of ["message", "pong"]) webSocket.on(sign, () => keepalive.heard());
  await pauseFresh();
  const answers = keepalive.answers();
  for (const until = performance.now() + 3_000; performance.now() < until;);
  expect(await answers).toBe(true);
  client.terminate();
  server.close();
});
