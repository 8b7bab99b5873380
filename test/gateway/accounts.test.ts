/** `IDENTITY=accounts` over real sockets: two gateways, one Redis. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import type { Node } from "#tertulia/node.js";
import { observe } from "#tertulia/observe.js";
import { RedisAccountStore } from "#tertulia/redis/account-store.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { Keys } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node, type LogLine } from "../support/nodes.js";
import { dialled, heardUntilEnd, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const run = promisify(execFile);

let redis: TestRedis;
let nodes: (Node & { readonly log: LogLine[] })[];
let library: FunctionLibrary;

beforeAll(async () => {
  redis = await startRedis();
  library = new FunctionLibrary(redis.client, await readFunctionSource(), observe("silent", "t"));
  const accounts = { IDENTITY: "accounts", LOG_LEVEL: "debug" };
  nodes = [await node(redis.url, accounts), await node(redis.url, accounts)];
});
afterAll(async () => {
  for (const each of nodes) await each.close();
  await redis.close();
});

const port = (which = 0): number => nodes[which]!.port;
const password = "correct horse";

/** A client that has said nothing yet asks, and is answered. */
async function asked(request: object, which = 0): Promise<Record<string, unknown>> {
  const client = await JsonClient.connect(port(which));
  const answer = await client.asks(request);
  client.vanish();
  return answer;
}

const register = (name: string, which = 0) => asked({ type: "register", name, password }, which);
const sessionOf = async (name: string): Promise<string> =>
  (await register(name))["session"] as string;

async function refusedWith(request: object, which = 0): Promise<unknown> {
  return (await asked(request, which))["code"];
}

/** The status of the answer to an upgrade; 101 if it is a WebSocket. */
async function upgraded(query: string, which = 0): Promise<string> {
  try {
    const client = await ClassicClient.attempt(port(which), "", undefined, query);
    client.vanish();
    return "101";
  } catch (error) {
    return /\d{3}/.exec(String(error))![0];
  }
}

describe("JSON", () => {
  test("who registers gets a login session, and joins by it at any gateway", async () => {
    const session = await sessionOf("ana");
    expect(session).toMatch(/^[\w-]{43}$/);
    const first = await JsonClient.hello(port(0), "ana", { session });
    const second = await JsonClient.hello(port(1), "ana", { session });
    expect((await second.asks({ type: "user", user: "ana" }))["status"]).toBe("active");
    first.vanish();
    second.vanish();
  });

  test("a hello with the password begins a login session; one by it gets no other", async () => {
    await register("bea");
    const client = await JsonClient.connect(port());
    const welcome = await client.asks({ type: "hello", name: "bea", password });
    expect(welcome).toMatchObject({ type: "welcome", role: "user" });
    const { session } = welcome;
    const again = await JsonClient.connect(port(1));
    expect(await again.asks({ type: "hello", name: "bea", session })).not.toHaveProperty("session");
    client.vanish();
    again.vanish();
  });

  test("nobody joins without showing something, by a key, or by what is another's [abuse:identity-none] [abuse:identity-wrong] [abuse:hello-shown]", async () => {
    const session = await sessionOf("cai");
    await register("dan");
    expect(await refusedWith({ type: "hello", name: "cai" })).toBe("login_required");
    expect(await refusedWith({ type: "hello", name: "nobody" })).toBe("login_required");
    expect(await refusedWith({ type: "hello", name: "cai", key: "k" })).toBe("login_required");
    expect(await refusedWith({ type: "hello", name: "dan", session })).toBe("bad_credentials");
    const other = "A".repeat(43);
    expect(await refusedWith({ type: "hello", name: "cai", session: other })).toBe(
      "bad_credentials",
    );
    const both = { type: "hello", name: "cai", session, password };
    expect(await refusedWith(both)).toBe("bad_frame");
  });

  test("a wrong password gets the same answer as a name that nobody has [abuse:identity-wrong]", async () => {
    await register("eva");
    const wrong = { type: "login", name: "eva", password: "wrong horse" };
    const unknown = { type: "login", name: "nobody", password: "wrong horse" };
    const answers = [await asked(wrong), await asked(unknown)];
    for (const answer of answers) delete answer["id"];
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]!["code"]).toBe("bad_credentials");
  });

  test("to register a name that has an account is to log in, if the password is its own [abuse:register-taken] [abuse:register-name] [abuse:identity-short]", async () => {
    await register("fay");
    expect((await register("fay", 1))["type"]).toBe("ok");
    const other = { type: "register", name: "fay", password: "another horse" };
    expect(await refusedWith(other)).toBe("name_taken");
    expect(await refusedWith({ type: "register", name: "gus", password: "short" })).toBe(
      "bad_password",
    );
    expect(await refusedWith({ type: "register", name: "#gus", password })).toBe("bad_name");
  });

  test("of two that register a name at the same time one has it", async () => {
    const passwords = ["first password", "second password"];
    const answers = await Promise.all(
      passwords.map((each, which) =>
        asked({ type: "register", name: "hal", password: each }, which),
      ),
    );
    expect(answers.filter(({ type }) => type === "ok")).toHaveLength(1);
  });

  test("a password is the same in every form of Unicode, and may have any characters", async () => {
    const asTyped = "Ａ contraseña\u0000 n\u0303";
    await asked({ type: "register", name: "ida", password: asTyped });
    const login = { type: "login", name: "ida", password: "A contraseña\u0000 ñ" };
    expect((await asked(login))["type"]).toBe("ok");
    expect(await refusedWith({ ...login, password: "A contraseña" })).toBe("bad_credentials");
  });

  test("wrong passwords are slowed down, per name and network, and a login session is not [abuse:identity-often]", async () => {
    const session = await sessionOf("jon");
    const wrong = { type: "login", name: "jon", password: "wrong horse" };
    const codes: unknown[] = [];
    for (let i = 0; i < 9; i++) codes.push((await asked(wrong, i % 2))["code"]);
    expect(codes.slice(0, 7)).toEqual(Array(7).fill("bad_credentials"));
    const answer = await asked(wrong);
    expect(answer).toMatchObject({ code: "too_many_attempts", retryable: true });
    expect(answer["retryAfterMs"]).toBeGreaterThan(1_000);
    const right = { type: "login", name: "jon", password };
    expect(await refusedWith(right, 1), "not even the right one").toBe("too_many_attempts");
    (await JsonClient.hello(port(), "jon", { session })).vanish();
    expect((await register("kai"))["type"], "another name").toBe("ok");
  });

  test("a new password ends the other login sessions, at all gateways, and not one's own [abuse:password-wrong] [abuse:password-short]", async () => {
    const [mine, other] = [await sessionOf("lea"), await sessionOf("lea")];
    const own = await JsonClient.hello(port(0), "lea", { session: mine });
    const far = await JsonClient.hello(port(1), "lea", { session: other });
    const change = { type: "password", old: password, new: "another horse" };
    expect((await own.asks({ ...change, old: "wrong horse" }))["code"]).toBe("bad_credentials");
    expect((await own.asks({ ...change, new: "short" }))["code"]).toBe("bad_password");
    expect((await own.asks(change))["type"]).toBe("ok");
    expect(await far.closed()).toBe(4403);
    expect((await own.asks({ type: "user", user: "lea" }))["status"]).toBe("active");
    expect(await refusedWith({ type: "hello", name: "lea", session: other })).toBe(
      "bad_credentials",
    );
    expect(await refusedWith({ type: "login", name: "lea", password })).toBe("bad_credentials");
    own.vanish();
    (await JsonClient.hello(port(1), "lea", { session: mine })).vanish();
  });

  test("login sessions are listed, and ended one by one or all: who holds the name by them is closed [abuse:sessions-unknown] [abuse:sessions-none]", async () => {
    const hello = async (client: string, which: number): Promise<JsonClient> =>
      JsonClient.hello(port(which), "mia", { password, client });
    await register("mia");
    const [phone, page, far] = [
      await hello("phone", 0),
      await hello("page", 0),
      await hello("far", 1),
    ];
    const listed = (await phone.asks({ type: "sessions" }))["sessions"] as Record<
      string,
      unknown
    >[];
    expect(listed.map(({ client }) => client)).toEqual(
      expect.arrayContaining(["phone", "page", "far"]),
    );
    expect(listed.filter(({ own }) => own === true)).toHaveLength(1);
    const unknown = await phone.asks({ type: "sessions", end: "0".repeat(10) });
    expect(unknown["sessions"]).toHaveLength(listed.length);
    expect((await phone.asks({ type: "sessions", end: "those" }))["code"]).toBe("bad_frame");
    const { id } = listed.find(({ client }) => client === "far")!;
    await phone.asks({ type: "sessions", end: id });
    expect(await far.closed()).toBe(4403);
    expect((await page.asks({ type: "ping" }))["type"]).toBe("pong");
    phone.says({ type: "sessions", end: "all" });
    expect(await Promise.all([phone.closed(), page.closed()])).toEqual([4403, 4403]);
  });

  test("an account has 32 login sessions at most: the one that was used longest ago ends", async () => {
    const first = await sessionOf("noa");
    const client = await JsonClient.hello(port(1), "noa", { session: first });
    for (let i = 0; i < 31; i++) await began("noa");
    expect((await client.asks({ type: "sessions" }))["sessions"]).toHaveLength(32);
    await began("noa");
    expect(await client.closed()).toBe(4403);
  });

  test("what is kept in Redis opens nothing: no password and no token", async () => {
    const session = await sessionOf("oto");
    const keys = await redis.client.keys("*account:*");
    const all = await Promise.all(keys.map((key) => redis.client.hgetall(key)));
    const text = JSON.stringify(all);
    expect(text).toContain("$scrypt$ln=");
    expect(text).not.toContain(session);
    expect(text).not.toContain(password);
  });
});

test("a client that has a name logs in no more [abuse:register-late] [abuse:login-late]", async () => {
  const client = await JsonClient.hello(port(), "ola", { session: await sessionOf("ola") });
  for (const type of ["register", "login"])
    expect((await client.asks({ type, name: "ola", password }))["code"]).toBe("forbidden");
  client.vanish();
});

test("in a chat without accounts there are none, and nothing that is shown counts [abuse:register-open] [abuse:login-open] [abuse:password-open] [abuse:sessions-open] [abuse:refresh-open]", async () => {
  const open = await node(redis.url, { REDIS_PREFIX: "open" });
  const stranger = await JsonClient.connect(open.port);
  for (const type of ["register", "login"])
    expect((await stranger.asks({ type, name: "ana", password }))["code"]).toBe("forbidden");
  const ana = await JsonClient.hello(open.port, "ana", { password });
  const requests = [
    { type: "password", old: password, new: password },
    { type: "sessions" },
    { type: "refresh", token: "a.b.c" },
  ];
  for (const request of requests) expect((await ana.asks(request))["code"]).toBe("forbidden");
  const eva = await ClassicClient.attempt(open.port, "eva", undefined, "?name=eva&password=x");
  eva.vanish();
  ana.vanish();
  stranger.vanish();
  await open.close();
});

test("with REGISTRATION=closed nobody registers; who has an account joins [abuse:identity-closed]", async () => {
  await register("ben");
  const closed = await node(redis.url, { IDENTITY: "accounts", REGISTRATION: "closed" });
  const client = await JsonClient.connect(closed.port);
  const answer = await client.asks({ type: "register", name: "new", password });
  expect(answer["code"]).toBe("registration_closed");
  const bytes = (name: string) =>
    ClassicClient.attempt(closed.port, name, undefined, `?name=${name}&password=correct%20horse`);
  await expect(bytes("new")).rejects.toThrow("400");
  (await bytes("ben")).vanish();
  client.vanish();
  await closed.close();
});

describe("bytes", () => {
  test("with a password in the upgrade, a name is registered, and from then on has an owner [abuse:identity-none] [abuse:identity-wrong] [abuse:identity-short]", async () => {
    const query = "?name=pau&password=secret%20%00%ff%2b!";
    expect(await upgraded(query)).toBe("101");
    expect(await upgraded(query, 1)).toBe("101");
    expect(await upgraded("?name=pau")).toBe("400");
    expect(await upgraded("?name=pau&password=wrong-password")).toBe("400");
    expect(await upgraded("?name=pia&password=short")).toBe("400");
    expect(await upgraded("?password=secret-and-long&name=pia", 1)).toBe("101");
  });

  test("too many passwords get 429 with Retry-After, and error 8 in op 10 [abuse:identity-often]", async () => {
    await register("zoe");
    const wrong = "?name=zoe&password=wrong-password";
    for (let i = 0; i < 7; i++) expect(await upgraded(wrong, i % 2)).toBe("400");
    await upgraded(wrong);
    const right = `?name=zoe&password=${encodeURIComponent(password)}`;
    expect(await upgraded(right, 1), "not even the right one").toBe("429");
    const answer = await heardUntilEnd(await dialled(port(), upgradeRequest(`/${right}`)));
    expect(answer.toString()).toMatch(
      /^HTTP\/1\.1 429 [^]*\r\nretry-after: (?:[1-9]|[12]\d|30)\r\n[^]*too many/,
    );
    const client = await ClassicClient.attempt(port(), "", "ws-protocol");
    client.says(10, L("zoe"), L(password));
    await client.awaits(50, 8);
    client.vanish();
  });

  test("classic clients talk as ever, once they have shown their password", async () => {
    const connect = (name: string, which: number) =>
      ClassicClient.attempt(
        port(which),
        name,
        undefined,
        `?name=${name}&password=${name}-password`,
      );
    const [ana, bob] = [await connect("rita", 0), await connect("sol", 1)];
    await ana.awaits(53, L("sol"), 1);
    ana.says(4, L("~"), L("elo"));
    await bob.awaits(55, L("rita"), L("elo"));
    await bob.close();
    await ana.awaits(54, L("sol"), 0);
    ana.vanish();
  });

  test("op 10 of ws-protocol may carry the password", async () => {
    const client = await ClassicClient.attempt(port(), "", "ws-protocol");
    client.says(10, L("tea"));
    await client.awaits(50, 7);
    client.says(10, L("tea"), L("tea-password"));
    await client.awaits(53, L("tea"), 1);
    client.vanish();
    const second = await ClassicClient.attempt(port(1), "", "ws-protocol");
    second.says(10, L("tea"), L("wrong-password"));
    await second.awaits(50, 7);
    second.vanish();
  });

  test("a new password closes who holds the name by the old one", async () => {
    const query = `?name=uma&password=${encodeURIComponent(password)}`;
    const bytes = await ClassicClient.attempt(port(1), "uma", undefined, query);
    const json = await JsonClient.hello(port(0), "uma", { password });
    const ok = await json.asks({ type: "password", old: password, new: "another horse" });
    expect(ok["type"]).toBe("ok");
    expect(await bytes.closed()).toBe(4403);
    json.vanish();
  });
});

test("the operator gives a user a new password, and an account to who has none", async () => {
  const client = await JsonClient.hello(port(), "xia", { session: await sessionOf("xia") });
  const env = { PATH: process.env["PATH"], REDIS_URL: redis.url };
  const main = fileURLToPath(new URL("../../dist/admin/main.js", import.meta.url));
  const given = async (name: string): Promise<string> => {
    const { stdout } = await run(process.execPath, [main, "password", name, "--json"], { env });
    return (JSON.parse(stdout) as { password: string }).password;
  };
  const login = { type: "login", name: "xia", password: await given("xia") };
  expect(await client.closed()).toBe(4403);
  expect((await asked(login))["type"]).toBe("ok");
  expect(await refusedWith({ ...login, password })).toBe("bad_credentials");
  expect((await asked({ ...login, name: "yan", password: await given("yan") }))["type"]).toBe("ok");
});

test("no line of the log has a password or a token", async () => {
  const session = await sessionOf("vic");
  await upgraded("?name=vic&password=hidden-password");
  await upgraded("?name=%00&password=hidden-password");
  await asked({ type: "login", name: "vic", password: "hidden-password" });
  (await JsonClient.hello(port(), "vic", { session })).vanish();
  await eventually(() => {
    expect(nodes[0]!.log.filter(({ event }) => event === "disconnected").length).toBeGreaterThan(3);
  });
  const text = JSON.stringify(nodes.map(({ log }) => log));
  for (const secret of [session, "hidden-password", password, encodeURIComponent(password)])
    expect(text).not.toContain(secret);
});

test("what was revoked while a gateway could not hear of it is refused when it claims the name anew", async () => {
  const session = await sessionOf("wim");
  const client = await JsonClient.hello(port(0), "wim", { session });
  await redis.client.hdel(accountKey("wim"), ...(await fieldsOf("wim")));
  // a new generation begins: every session claims its name again
  await redis.client.call("DEBUG", "CHANGE-REPL-ID");
  expect(await client.closed()).toBe(4403);
});

/** A login session begins, without the work that its password costs. */
async function began(name: string): Promise<void> {
  const accounts = new RedisAccountStore(
    library,
    { library, replication: undefined },
    new Keys("tertulia"),
    {
      deadlineMs: 5_000,
      loginIdleMs: 60_000,
    },
  );
  const version = await redis.client.hget(accountKey(name), "version");
  const digest = randomBytes(32).toString("base64url");
  expect(await accounts.beginLogin(name as Name, version!, digest, "")).toBe(true);
}

function accountKey(name: string): string {
  return new Keys("tertulia").account(name as Name);
}

async function fieldsOf(name: string): Promise<string[]> {
  return (await redis.client.hkeys(accountKey(name))).filter((field) => field.startsWith("login:"));
}
