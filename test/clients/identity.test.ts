/** The SDK in chats whose names have owners: accounts, and tokens that a test app refreshes. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, logIn, register, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { endsIn, tokenOf } from "../support/token.js";

const SECRET = "a secret of the app and of the chat";
const password = "correct horse";

let redis: TestRedis;
let accounts: Awaited<ReturnType<typeof node>>;
let tokens: Awaited<ReturnType<typeof node>>;
const open: Tertulia[] = [];

beforeAll(async () => {
  redis = await startRedis();
  accounts = await node(redis.url, { IDENTITY: "accounts" });
  const token = { IDENTITY: "token", TOKEN_SECRET: SECRET, REDIS_PREFIX: "tokens" };
  tokens = await node(redis.url, token);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(async () => {
  await accounts.close();
  await tokens.close();
  await redis.close();
});

const url = ({ port }: { port: number }): string => `ws://127.0.0.1:${port}`;

function joins(
  where: { port: number },
  options: Omit<Parameters<typeof connect>[1], "WebSocket">,
): Tertulia {
  const chat = connect(url(where), { WebSocket, ...options });
  chat.on("error", () => {}); // each test looks at what matters to it
  open.push(chat);
  return chat;
}

test("a form registers, and the page joins by the login session; a second device logs in", async () => {
  const session = await register(url(accounts), { name: "ana", password, WebSocket });
  const page = joins(accounts, { name: "ana", session, client: "page" });
  await page.joined();
  const second = await logIn(url(accounts), { name: "ana", password, WebSocket, client: "phone" });
  const phone = joins(accounts, { name: "ana", session: second });
  await phone.joined();
  const listed = await page.sessions();
  expect(listed.map(({ own }) => own === true).filter(Boolean)).toHaveLength(1);
  await page.sessions({ end: "others" });
  await eventually(() => expect(phone.state).toMatchObject({ name: "closed", code: 4403 }));
  expect(page.state.name).toBe("open");
});

test("errors say what is wrong", async () => {
  await register(url(accounts), { name: "bob", password, WebSocket });
  const wrong = { name: "bob", password: "wrong horse", WebSocket };
  await expect(logIn(url(accounts), wrong)).rejects.toMatchObject({ code: "bad_credentials" });
  await expect(register(url(accounts), wrong)).rejects.toMatchObject({ code: "name_taken" });
  const short = { name: "cai", password: "short", WebSocket };
  await expect(register(url(accounts), short)).rejects.toMatchObject({ code: "bad_password" });
  const nobody = joins(accounts, { name: "bob" });
  await expect(nobody.joined()).rejects.toMatchObject({ code: "login_required" });
});

test("with a password, a client gets a login session, and another one when that has ended", async () => {
  await register(url(accounts), { name: "dan", password, WebSocket });
  const chat = joins(accounts, { name: "dan", password });
  await chat.joined();
  const first = chat.session;
  expect(first).toMatch(/^[\w-]{43}$/);
  await chat.changePassword(password, "another horse");
  expect(chat.state.name).toBe("open");
  const late = joins(accounts, { name: "dan", session: "A".repeat(43), password: "another horse" });
  await late.joined();
  expect(late.session).not.toBe("A".repeat(43));
});

test("an app gives a new token before the old one ends, and its client stays", async () => {
  let asked = 0;
  const chat = joins(tokens, {
    name: "eva",
    token: async () => tokenOf(SECRET, "eva", endsIn(++asked < 3 ? 3 : 60)),
  });
  await chat.joined();
  const states: string[] = [];
  chat.on("state", ({ name }) => states.push(name));
  await eventually(() => expect(asked).toBe(3), 15_000);
  await chat.publish("~", "still here");
  expect(states).toEqual([]);
});

test("a token that was not renewed in time is fetched when the client comes back", async () => {
  let isAway = false;
  let asked = 0;
  const token = (): string => {
    asked++;
    if (isAway) throw new Error("the app is away");
    return tokenOf(SECRET, "fay", endsIn(asked === 1 ? 2 : 60));
  };
  const chat = joins(tokens, { name: "fay", token });
  await chat.joined();
  isAway = true;
  const lost = chat.once("state");
  await eventually(() => expect(asked).toBeGreaterThan(1), 15_000);
  await lost;
  isAway = false;
  await chat.joined();
  await chat.publish("~", "back");
});
