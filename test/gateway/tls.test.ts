/** TLS on the clients' port: every kind of client, what goes wrong, and files that change. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { get, type RequestOptions } from "node:https";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { connect as connectSdk } from "#tertulia/clients/sdk/tertulia.js";
import { Peers, placesOf } from "#tertulia/gateway/peers.js";
import { makeCertificates, pemOf, type Certificates } from "../support/certificates.js";
import { L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { proxyV2 } from "../support/proxy-header.js";
import { masked, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** With which a handshake begins. */
const ONE_BYTE = Buffer.from([0x16]);

let redis: TestRedis;
let certificates: Certificates;
let gateway: Awaited<ReturnType<typeof node>>;
let ca: string;

beforeAll(async () => {
  redis = await startRedis();
  certificates = makeCertificates();
  ca = pemOf(certificates, "ca.crt");
  use("server");
  const files = { TLS_CERT: certificates.at("chat.crt"), TLS_KEY: certificates.at("chat.key") };
  gateway = await node(redis.url, { ...files, TRUSTED_PROXIES: "127.0.0.1" });
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
  certificates.remove();
});

/** Puts a certificate and its key where the gateway looks. */
function use(name: string): void {
  for (const kind of ["crt", "key"]) {
    copyFileSync(certificates.at(`${name}.${kind}`), certificates.at(`chat.${kind}`));
  }
}

async function secure(options: ConnectionOptions = {}, port = gateway.port): Promise<TLSSocket> {
  const socket = connectTls({ port, host: "127.0.0.1", ca, ...options });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

/** All that is heard until the other side ends it, or `enough` of it is there. */
async function heardFrom(socket: Socket, enough?: string | Buffer): Promise<Buffer> {
  let heard = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (enough !== undefined && heard.includes(enough)) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  return heard;
}

async function answer(path: string): Promise<{ status?: number; body: string; hsts?: string }> {
  const options: RequestOptions = { port: gateway.port, host: "127.0.0.1", path, ca, agent: false };
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () =>
        resolve({
          status: response.statusCode!,
          body,
          hsts: response.headers["strict-transport-security"]!,
        }),
      );
    }).on("error", reject);
  });
}

test("the page and probes are answered, and browsers are told to stay with TLS", async () => {
  expect(await answer("/readyz")).toMatchObject({ status: 200, hsts: "max-age=2592000" });
  expect(await answer("/")).toMatchObject({ status: 200, hsts: "max-age=2592000" });
  expect(await answer("/?name=~")).toMatchObject({ status: 400, hsts: "max-age=2592000" });
});

test("the SDK and a client of bytes talk over wss", async () => {
  class Trusting extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { ca });
    }
  }
  const ana = connectSdk(`wss://127.0.0.1:${gateway.port}`, { name: "ana", WebSocket: Trusting });
  onTestFinished(() => ana.close());
  const heard: string[] = [];
  ana.on("message", ({ text }) => void heard.push(text));
  await ana.publish("~", "from the SDK");
  const bob = new Trusting(`wss://127.0.0.1:${gateway.port}/?name=bob`);
  onTestFinished(() => bob.terminate());
  await new Promise((resolve) => bob.once("open", resolve));
  bob.send(frame(4, L("~"), L("in bytes")));
  await eventually(() => expect(heard).toEqual(["from the SDK", "in bytes"]));
});

test("an unusual request line is mended behind TLS too, in one-byte records", async () => {
  const socket = await secure();
  socket.setNoDelay(true);
  const request = upgradeRequest("?name=zoë", "").replace("zoë", "zo\u00eb");
  for (const byte of Buffer.from(request, "latin1")) socket.write(Buffer.from([byte]));
  const head = await heardFrom(socket, "\r\n\r\n");
  expect(head.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
  socket.write(masked([...frame(4, L("~"), L("hello"))]));
  await heardFrom(socket, L("hello") as Buffer);
});

test.each([
  ["version 1", "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"],
  ["version 2", proxyV2(0x21, 0x11, [192, 0, 2, 7, 198, 51, 100, 1, 220, 4, 1, 187])],
])("the header of a proxy comes before TLS, %s", async (version, header) => {
  const name = `proxied-${version.replace(" ", "-")}`;
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write(header);
  const encrypted = await secure({ socket });
  encrypted.write(upgradeRequest(`/?name=${name}`));
  await heardFrom(encrypted, "\r\n\r\n");
  await eventually(() => {
    const line = gateway.log.find(({ event, user }) => event === "connected" && user === name);
    expect(line?.["address"]).toBe("192.0.2.7");
  });
});

test("who speaks plain HTTP to it is told so [abuse:tls-plain]", async () => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/`);
  expect(response.status).toBe(400);
  expect(await response.text()).toBe("this port speaks TLS: https:// or wss://\n");
});

test("TLS 1.1 is refused, 1.2 and 1.3 are not [abuse:tls-old]", async () => {
  const old = {
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT@SECLEVEL=0",
  } as const;
  await expect(secure(old)).rejects.toThrow(/protocol version|alert/);
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await secure({ minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
  }
});

test("handshakes wait for their turn; of too many, the last ones are cut [abuse:connections-fast]", async () => {
  const files = { TLS_CERT: certificates.at("chat.crt"), TLS_KEY: certificates.at("chat.key") };
  const slow = await node(redis.url, { ...files, HANDSHAKES_PER_SECOND: 1, REDIS_PREFIX: "storm" });
  onTestFinished(() => slow.close());
  const storm = Array.from({ length: 40 }, () => secure({}, slow.port));
  const ends = await Promise.allSettled(storm);
  const done = ends.filter(({ status }) => status === "fulfilled").length;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(30); // two may wait; some are let in meanwhile
});

test("a probe does not wait behind strangers who begin a handshake, and do no more", async () => {
  const crowded = await node(redis.url, {
    TLS_CERT: certificates.at("chat.crt"),
    TLS_KEY: certificates.at("chat.key"),
    HANDSHAKES_PER_SECOND: 1,
    REDIS_PREFIX: "crowded",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  onTestFinished(() => crowded.close());
  let cut = 0;
  const comes = (last: number): void => {
    const address = [192, 0, 2, last, 198, 51, 100, 1, 220, 4, 1, 187];
    const stranger = connect(crowded.port, "127.0.0.1").on("error", () => {});
    onTestFinished(() => void stranger.destroy());
    stranger
      .on("close", () => cut++)
      .write(Buffer.concat([proxyV2(0x21, 0x11, address), ONE_BYTE]));
  };
  let came = 0;
  const crowd = setInterval(() => {
    for (let i = 0; i < 10; i++) comes(came++ % 250);
  }, 20);
  onTestFinished(() => clearInterval(crowd));
  await eventually(() => expect(cut).toBeGreaterThan(30)); // there is no room, and they go on coming
  const probe = await secure({}, crowded.port);
  probe.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  expect((await heardFrom(probe)).toString()).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["half a handshake", Buffer.from([0x16, 3, 1, 2, 0])],
])("a connection that sends %s is cut in time [abuse:request-late]", async (_, bytes) => {
  const socket = connect(gateway.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  expect(await heardFrom(socket)).toHaveLength(0);
});

test("clients that are gone as soon as they have shaken hands harm nobody", async () => {
  const gone = async (afterTurns: number): Promise<void> => {
    const socket = connect(gateway.port, "127.0.0.1");
    const encrypted = connectTls({ socket, ca }).on("error", () => {});
    const ended = once(socket, "close");
    socket.on("error", () => {});
    await once(encrypted, "secureConnect");
    for (let turn = 0; turn < afterTurns; turn++) await new Promise(setImmediate);
    encrypted.write(upgradeRequest("/?name=gone"));
    socket.resetAndDestroy();
    await ended;
  };
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, turns) => gone(turns)));
  }
  expect((await answer("/readyz")).status).toBe(200);
});

test("what looks like a handshake and is none ends its own connection only", async () => {
  const socket = connect(gateway.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const heard = heardFrom(socket);
  socket.write(Buffer.concat([Buffer.from([0x16]), Buffer.alloc(5_000, 0xff)]));
  await heard;
  expect((await answer("/readyz")).status).toBe(200);
});

test("new files are for new connections, and bad ones are not used", async () => {
  const isBefore = await secure();
  isBefore.write(upgradeRequest("/?name=stays"));
  await heardFrom(isBefore, "\r\n\r\n");
  const serial = async (): Promise<string> => (await secure()).getPeerCertificate().serialNumber;
  const before = await serial();

  certificates.issue("newer", "IP:127.0.0.1", "ca", 7);
  use("newer");
  await eventually(async () => expect(await serial()).not.toBe(before), 30_000);
  const after = await serial();
  const { validTo } = new X509Certificate(pemOf(certificates, "newer.crt"));
  const metrics = await gateway.counters.registry.metrics();
  const end = /^tertulia_certificate_end_timestamp_seconds (\S+)$/m.exec(metrics)?.[1];
  expect(Number(end)).toBe(Date.parse(validTo) / 1_000);
  expect(gateway.log.some(({ event }) => event === "tls_files_changed")).toBe(true);

  const refusals = (): unknown[] =>
    gateway.log.filter(({ event }) => event === "tls_files_refused").map((line) => line["why"]);
  writeFileSync(certificates.at("chat.crt"), "no certificate");
  await eventually(() => expect(refusals()).toHaveLength(1), 30_000);
  copyFileSync(certificates.at("client.crt"), certificates.at("chat.crt")); // of another key
  await eventually(() => expect(refusals()).toHaveLength(2), 30_000);
  expect(refusals()).toContain("ERR_OSSL_X509_KEY_VALUES_MISMATCH");
  expect(await serial()).toBe(after);

  isBefore.write(masked([...frame(4, L("~"), L("still here"))]));
  await heardFrom(isBefore, L("still here") as Buffer);
});

test("a gateway with TLS finds its peers, and takes those without it for being there", async () => {
  const plain = await node(redis.url);
  onTestFinished(() => plain.close());
  for (const [isTls, alike, other] of [
    [true, gateway, plain],
    [false, plain, gateway],
  ] as const) {
    let behind = alike.port;
    const relay = createServer((socket) => {
      const onward = connect(behind, "127.0.0.1");
      socket.on("error", () => onward.destroy()).pipe(onward);
      onward.on("error", () => socket.destroy()).pipe(socket);
    });
    onTestFinished(() => void relay.close());
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    const { port } = relay.address() as AddressInfo;
    const peers = new Peers(placesOf(`127.0.0.1:${port}`), "self", isTls);
    expect(await peers.ask()).toBe("serving");
    behind = other.port;
    expect(await peers.ask()).toBe("waiting"); // else it would be silent, which is a reason to let clients go
  }
});

test("a reader that takes nothing is cut behind TLS too", async () => {
  const limited = await node(redis.url, {
    TLS_CERT: certificates.at("server.crt"),
    TLS_KEY: certificates.at("server.key"),
    REDIS_PREFIX: "slow",
    QUEUE_STALL_MS: 1_000,
    QUEUE_MAX_BYTES: 268_435_456,
    CLASSIC_REPLY_MAX_BYTES: 65_536,
    REQUESTS_PER_SECOND: 100_000,
  });
  onTestFinished(() => limited.close());
  const slow = await secure({}, limited.port);
  slow.write(upgradeRequest("/?name=slow"));
  await heardFrom(slow, "\r\n\r\n");
  // a history of 30 KB, which it asks for again and again, and never reads
  const text = masked([...frame(4, L("~"), L("x".repeat(120)))]);
  slow.write(Buffer.concat(Array.from({ length: 255 }, () => text)));
  slow.removeAllListeners("data").pause();
  const history = masked([...frame(5, L("~"))]);
  slow.write(Buffer.concat(Array.from({ length: 600 }, () => history)));
  await eventually(() => {
    const cut = limited.log.find(({ event }) => event === "slow_reader");
    expect(cut).toMatchObject({ why: "stalled" });
  }, 30_000);
});
test.each([
  [{ TLS_CERT: "server.crt" }, /^TLS_KEY: is missing/m],
  [{ TLS_KEY: "server.key" }, /^TLS_CERT: is missing/m],
  [{ TLS_CERT: "none.crt", TLS_KEY: "server.key" }, /^TLS_CERT: .*\(ENOENT\)/m],
  [{ TLS_CERT: "server.key", TLS_KEY: "server.key" }, /^TLS_CERT: .*\(ERR_/m],
  [
    { TLS_CERT: "server.crt", TLS_KEY: "client.key" },
    /^TLS_KEY: .*\(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/m,
  ],
])("files that cannot be used are named at the start: %j", async (files, message) => {
  const environment = Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, certificates.at(file)]),
  );
  await expect(node(redis.url, environment)).rejects.toThrow(message);
});
