/** An app whose users chat by its tokens, which end every few seconds: the app renews them, and nobody notices. */
import { spawn } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Debug, State } from "#tertulia/clients/sdk/tertulia.js";
import { admin } from "../support/admin.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, type Seen } from "../support/sdk-scene.js";
import { TokenApp } from "../support/token-app.js";

const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));
const SHORT_S = 4;

let redis: TestRedis;
let app: TokenApp;
let gateways: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  [redis, app] = await Promise.all([startRedis(), TokenApp.start()]);
  const start = () => node(redis.url, app.settings);
  gateways = await Promise.all([start(), start()]);
});
beforeEach(() => {
  app.seconds = 60;
  app.state = "serving";
});
afterAll(async () => {
  for (const each of gateways) await each.close();
  app.close();
  await redis.close();
});

async function member(name: string, token = app.logsIn(name)): Promise<Seen> {
  const seen = join(at(...gateways), { name, token });
  await seen.chat.joined();
  return seen;
}

const names = (states: readonly State[]): string[] => states.map(({ name }) => name);

test("tokens end again and again, and are refreshed before: the connection stays, all is heard, once", async () => {
  const bob = await member("bob");
  app.seconds = SHORT_S;
  const ana = await member("ana");
  const [before, seen] = [app.given, ana.states.length];
  const sent: string[] = [];
  await eventually(async () => {
    const text = `message ${sent.length + 1}`;
    sent.push(text);
    await bob.chat.publish("~", text);
    if (app.given === before + 1) app.rotates();
    expect(app.given).toBeGreaterThanOrEqual(before + 3);
  }, 30_000);
  await ana.chat.publish("~", "still here");
  await eventually(() =>
    expect(ana.messages.map(({ text }) => text)).toEqual([...sent, "still here"]),
  );
  expect(names(ana.states).slice(seen)).toEqual([]);
  expect(ana.errors).toEqual([]);
});

test("the app is away when a token ends: closed with 4401, and back without a loss when the app is", async () => {
  const bob = await member("ben");
  app.seconds = SHORT_S;
  const closes: number[] = [];
  const debug: Debug = (event) => event.type === "close" && closes.push(event.code);
  const eva = join(at(...gateways), { name: "eva", token: app.logsIn("eva"), debug });
  await eva.chat.joined();
  app.state = "away";
  await eventually(() => expect(eva.states.at(-1)).toMatchObject({ name: "waiting" }));
  expect(closes[0]).toBe(4401);
  await bob.chat.publish("~", "while she was away");
  await bob.chat.publish("@eva", "and for her alone");
  const late = eva.chat.publish("~", "said while away");
  app.state = "serving";
  await late;
  await eventually(() =>
    expect(eva.messages.map(({ text }) => text).toSorted()).toEqual(
      expect.arrayContaining(["and for her alone", "said while away", "while she was away"]),
    ),
  );
  expect(new Set(eva.messages.map(({ mid }) => mid)).size).toBe(eva.messages.length);
});

test("a user whom the operator revokes is closed in the whole cluster; a token that the app gives later is good", async () => {
  const token = app.logsIn("rex");
  const [first, second] = [await member("rex", token), await member("rex", token)];
  await admin(redis.url, "revoke", "rex");
  for (const { states } of [first, second]) {
    const closed = { name: "closed", code: 4403, reason: "revoked" };
    await eventually(() => expect(states.at(-1)).toMatchObject(closed));
  }
  await eventually(async () => {
    const again = await member("rex", token);
    await again.chat.publish("~", "a new token");
  });
});

test("the terminal in a pipe reads the file of its token again, which a job of the app replaces", async () => {
  const folder = await mkdtemp(path(tmpdir(), "tertulia-token-"));
  const [file, token] = [path(folder, "token"), app.logsIn("tap")];
  const replaced = async (): Promise<void> => {
    await writeFile(`${file}.new`, await token());
    await rename(`${file}.new`, file);
  };
  app.seconds = SHORT_S;
  await replaced();
  const args = ["--name", "tap", "--url", at(gateways[0]!)[0]!, "--token-file", file, "--listen"];
  const env = { PATH: process.env["PATH"], XDG_STATE_HOME: folder };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise((resolve) => child.once("close", resolve));
  const bob = await member("bo");
  await bob.chat.presence.watch();
  await eventually(() => expect(bob.chat.presence.people.has("tap")).toBe(true));
  const gone: string[] = [];
  bob.chat.on("presence", (change) => gone.push(...change.gone));
  const untilMs = Date.now() + 2 * SHORT_S * 1_000;
  await eventually(async () => {
    await replaced();
    expect(Date.now()).toBeGreaterThan(untilMs);
  });
  child.stdin.end("still here\n");
  await eventually(() => expect(bob.messages.at(-1)?.text).toBe("still here"));
  expect({ gone, errors }).toEqual({ gone: [], errors: "" });
  child.kill();
  expect(await ended).toBe(143);
  await rm(folder, { recursive: true });
});
