/** `IDENTITY=token` over real sockets: by a secret, and by keys that are read from an address. */
import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type Gateway = Awaited<ReturnType<typeof node>>;
type Claims = Record<string, unknown>;

const SECRET = randomBytes(32).toString("base64url");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const strange = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const run = promisify(execFile);

let redis: TestRedis;
let bySecret: Gateway[];
let byKeys: Gateway;
let issuer: Server;
/** How often the keys were read. */
let reads = 0;

beforeAll(async () => {
  redis = await startRedis();
  issuer = createServer((_, response) => {
    reads++;
    const key = { ...rsa.publicKey.export({ format: "jwk" }), kid: "k1", use: "sig" };
    response.end(JSON.stringify({ keys: [key] }));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => issuer.once("listening", resolve));
  const common = { IDENTITY: "token", TOKEN_ISSUER: "us", TOKEN_AUDIENCE: "chat" };
  const secret = { ...common, TOKEN_SECRET: SECRET };
  const { port } = issuer.address() as AddressInfo;
  const keys = { ...common, TOKEN_JWKS_URL: `http://127.0.0.1:${port}/`, REDIS_PREFIX: "keys" };
  bySecret = [await node(redis.url, secret), await node(redis.url, secret)];
  byKeys = await node(redis.url, keys);
});
afterAll(async () => {
  for (const each of [...bySecret, byKeys]) await each.close();
  issuer.close();
  await redis.close();
});

const seconds = (later = 0): number => Math.floor(Date.now() / 1_000) + later;
const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** The claims of a good token, with some of them changed; undefined: left out. */
function claims(more: Claims = {}): Claims {
  const good = { sub: "ana", iss: "us", aud: "chat", iat: seconds(-1), exp: seconds(60) };
  return { ...good, ...more };
}

function signed(header: Claims, payload: Claims, signature: (text: string) => Buffer): string {
  const text = `${encoded(header)}.${encoded(payload)}`;
  return `${text}.${signature(text).toString("base64url")}`;
}

const hmac = (secret: string | Buffer) => (text: string) =>
  createHmac("sha256", secret).update(text).digest();
const rs256 = (key: KeyObject) => (text: string) => sign("sha256", Buffer.from(text), key);

const token = (more: Claims = {}): string =>
  signed({ alg: "HS256", typ: "JWT" }, claims(more), hmac(SECRET));
const keyed = (more: Claims = {}, header: Claims = {}, key = rsa.privateKey): string =>
  signed({ alg: "RS256", kid: "k1", ...header }, claims(more), rs256(key));

async function helloTo({ port }: Gateway, shown: object, name = "ana"): Promise<Claims> {
  const client = await JsonClient.connect(port);
  const answer = await client.asks({ type: "hello", name, ...shown });
  client.vanish();
  return answer;
}

test("who shows a token joins by the name in it, with the role in it, at any gateway", async () => {
  const welcome = await helloTo(bySecret[0]!, { token: token({ role: "moderator" }) });
  expect(welcome).toMatchObject({ type: "welcome", user: "ana", role: "moderator" });
  expect(welcome["expires"]).toBeGreaterThan(Date.now());
  expect(await helloTo(bySecret[1]!, { token: token() })).toMatchObject({ role: "user" });
  expect(await helloTo(byKeys, { token: keyed() })).toMatchObject({ type: "welcome" });
  const [first, second] = await Promise.all(
    bySecret.map(({ port }) => JsonClient.hello(port, "eva", { token: token({ sub: "eva" }) })),
  );
  first!.vanish();
  second!.vanish();
});

const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" });
describe("a forged token is refused [abuse:token-forged]", () => {
  test.each([
    ["nothing at all", {}, "login_required"],
    ["a key", { key: "k" }, "login_required"],
    ["a password", { password: "correct horse" }, "login_required"],
    ["another's", { token: token({ sub: "bob" }) }, "bad_credentials"],
    ["one of nobody", { token: token({ sub: undefined }) }, "bad_credentials"],
    [
      "another secret",
      { token: signed({ alg: "HS256" }, claims(), hmac("x".repeat(32))) },
      "bad_credentials",
    ],
    [
      "alg none",
      { token: signed({ alg: "none" }, claims(), () => Buffer.of()) },
      "bad_credentials",
    ],
    [
      "alg None",
      { token: signed({ alg: "None" }, claims(), () => Buffer.of()) },
      "bad_credentials",
    ],
    ["no alg", { token: signed({}, claims(), hmac(SECRET)) }, "bad_credentials"],
    [
      "HS512 with the secret",
      {
        token: signed({ alg: "HS512" }, claims(), (text) =>
          createHmac("sha512", SECRET).update(text).digest(),
        ),
      },
      "bad_credentials",
    ],
    [
      "a key of its own in the header",
      {
        token: signed(
          { alg: "RS256", jwk: strange.publicKey.export({ format: "jwk" }) },
          claims(),
          rs256(strange.privateKey),
        ),
      },
      "bad_credentials",
    ],
    [
      "an unknown critical header",
      { token: signed({ alg: "HS256", crit: ["x"], x: 1 }, claims(), hmac(SECRET)) },
      "bad_credentials",
    ],
    ["no issuer", { token: token({ iss: undefined }) }, "bad_credentials"],
    ["another issuer", { token: token({ iss: "them" }) }, "bad_credentials"],
    ["another audience", { token: token({ aud: ["mail"] }) }, "bad_credentials"],
    ["expired", { token: token({ exp: seconds(-10) }) }, "token_expired"],
    ["not yet", { token: token({ nbf: seconds(60) }) }, "bad_credentials"],
    ["an exp that is no number", { token: token({ exp: "never" }) }, "bad_credentials"],
    ["no exp, of a person", { token: token({ exp: undefined }) }, "bad_credentials"],
    [
      "a claim that looks like an answer",
      { token: token({ sub: "bob", outcome: "proved" }) },
      "bad_credentials",
    ],
    [
      "a payload that is no object",
      { token: signed({ alg: "HS256" }, [] as never, hmac(SECRET)) },
      "bad_credentials",
    ],
    ["no token", { token: "a.b" }, "bad_frame"],
  ])("%s", async (_, shown, code) => {
    expect((await helloTo(bySecret[0]!, shown))["code"]).toBe(code);
  });

  test.each([
    [
      "the public key as a secret",
      signed({ alg: "HS256", kid: "k1" }, claims(), hmac(publicPem as string)),
    ],
    ["another key under the same id", keyed({}, {}, strange.privateKey)],
    ["none", signed({ alg: "none", kid: "k1" }, claims(), () => Buffer.of())],
    ["a token of the secret", token()],
  ])("by keys: %s", async (_, forged) => {
    expect((await helloTo(byKeys, { token: forged }))["code"]).toBe("bad_credentials");
  });

  test("keys that nobody knows do not make a gateway ask for keys again and again", async () => {
    await helloTo(byKeys, { token: keyed() });
    const before = reads;
    for (let i = 0; i < 20; i++) {
      const answer = await helloTo(byKeys, { token: keyed({}, { kid: `unknown-${i}` }) });
      expect(answer["code"]).toBe("bad_credentials");
    }
    expect(reads - before).toBeLessThanOrEqual(1);
  });
});

/** A WebSocket by an upgrade request with these subprotocols and headers; or the status of its refusal. */
function upgraded(path: string, subprotocols: string[], headers = {}): Promise<WebSocket | number> {
  const url = `ws://127.0.0.1:${bySecret[0]!.port}${path}`;
  const webSocket = new WebSocket(url, subprotocols, { headers });
  webSocket.on("error", () => {});
  return new Promise((resolve) => {
    webSocket.once("open", () => resolve(webSocket));
    webSocket.once("unexpected-response", (_, response) => resolve(response.statusCode!));
  });
}

test("a token comes in a header or among the subprotocols, and is never echoed", async () => {
  const byHeader = { authorization: `Bearer ${token({ sub: "cai" })}` };
  const bytes = (await upgraded("/?name=cai", [], byHeader)) as WebSocket;
  expect(bytes.protocol).toBe("");
  const offered = ["tertulia.v1.json", `tertulia.token.${token({ sub: "dan" })}`];
  const page = (await upgraded("/?name=dan", offered)) as WebSocket;
  expect(page.protocol).toBe("tertulia.v1.json");
  expect(await upgraded("/?name=cai", [])).toBe(400);
  expect(await upgraded("/?name=bob", [], byHeader)).toBe(400);
  expect(await upgraded(`/?name=cai&token=${token({ sub: "cai" })}`, [])).toBe(400);
  for (const each of [bytes, page]) each.terminate();
  const logged = JSON.stringify(bySecret[0]!.log);
  expect(logged).not.toContain(byHeader.authorization.slice(20, 60));
});

test("a token that ends is refreshed before; else the client is closed with 4401 [abuse:token-late]", async () => {
  const short = (): string => token({ sub: "fay", exp: seconds(2) });
  const kept = await JsonClient.hello(bySecret[0]!.port, "fay", { token: short() });
  const lost = await JsonClient.hello(bySecret[1]!.port, "fay", { token: short() });
  const ok = await kept.asks({ type: "refresh", token: token({ sub: "fay" }) });
  expect(ok["expires"]).toBeGreaterThan(Date.now() + 10_000);
  const wrong = await kept.asks({ type: "refresh", token: token({ sub: "bob" }) });
  expect(wrong["code"]).toBe("bad_credentials");
  const old = await kept.asks({ type: "refresh", token: token({ sub: "fay", exp: seconds(-60) }) });
  expect(old["code"]).toBe("token_expired");
  expect(await lost.closed()).toBe(4401);
  expect((await kept.asks({ type: "user", user: "fay" }))["status"]).toBe("active");
  kept.vanish();
});

test("what the operator revokes is closed at all gateways, and cannot be shown again [abuse:refresh-wrong]", async () => {
  const before = token({ sub: "gil" });
  const clients = await Promise.all(
    bySecret.map(({ port }) => JsonClient.hello(port, "gil", { token: before })),
  );
  const bot = await JsonClient.hello(bySecret[0]!.port, "robo", {
    token: token({ sub: "robo", exp: undefined, bot: true }),
  });
  const main = fileURLToPath(new URL("../../dist/admin/main.js", import.meta.url));
  const env = { PATH: process.env["PATH"], REDIS_URL: redis.url };
  await run(process.execPath, [main, "revoke", "gil"], { env });
  for (const client of clients) expect(await client.closed()).toBe(4403);
  expect((await helloTo(bySecret[0]!, { token: before }, "gil"))["code"]).toBe("bad_credentials");
  const later = token({ sub: "gil", iat: seconds(2) });
  const again = await JsonClient.hello(bySecret[1]!.port, "gil", { token: later });
  expect((await again.asks({ type: "refresh", token: before }))["code"]).toBe("bad_credentials");
  expect((await bot.asks({ type: "ping" }))["type"]).toBe("pong");
  for (const client of [again, bot]) client.vanish();
});

test("who has shown a revoked token hears nothing of that user, under no other name", async () => {
  const old = token({ sub: "ida", iat: seconds(-10) });
  const main = fileURLToPath(new URL("../../dist/admin/main.js", import.meta.url));
  const env = { PATH: process.env["PATH"], REDIS_URL: redis.url };
  await run(process.execPath, [main, "revoke", "ida"], { env });
  const [gateway] = bySecret as [Gateway];
  const rogue = await JsonClient.connect(gateway.port);
  const refused = await rogue.asks({ type: "hello", name: "ida", token: old });
  expect(refused["code"]).toBe("bad_credentials");
  const ida = await JsonClient.hello(gateway.port, "ida", {
    token: token({ sub: "ida", iat: seconds(2) }),
  });
  const bob = await JsonClient.hello(gateway.port, "bob", { token: token({ sub: "bob" }) });
  await bob.asks({ type: "publish", conv: "@ida", text: "secret one" });
  await rogue.asks({ type: "hello", name: "eve", token: token({ sub: "eve" }) });
  await bob.asks({ type: "publish", conv: "@ida", text: "secret two" });
  await bob.asks({ type: "publish", text: "to all" });
  await rogue.awaits({ type: "message", text: "to all" });
  await ida.awaits({ type: "message", text: "to all" });
  expect(rogue.heard.filter(({ text }) => String(text).startsWith("secret"))).toEqual([]);
  for (const client of [rogue, ida, bob]) client.vanish();
});

test("while keys cannot be had, nobody is refused for good", async () => {
  const away = await node(redis.url, {
    IDENTITY: "token",
    TOKEN_ISSUER: "us",
    TOKEN_AUDIENCE: "chat",
    TOKEN_JWKS_URL: "http://127.0.0.1:1/",
    REDIS_PREFIX: "away",
  });
  for (let i = 0; i < 2; i++)
    expect((await helloTo(away, { token: keyed() }))["code"]).toBe("unavailable");
  await away.close();
});
