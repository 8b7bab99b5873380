/** Moderators, and what users may do against each other, in the terminal client: on its screen and in a pipe. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, type Seen } from "../support/sdk-scene.js";
import { closeWindows, HAS_TMUX, openWindow, type Window } from "../support/tmux.js";
import { tokenOf } from "../support/token.js";

const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));
const SECRET = "a secret of the app and of the chat";

let folder: string;
let redis: TestRedis;
let served: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  folder = await mkdtemp(path(tmpdir(), "tertulia-moderation-"));
  redis = await startRedis();
  served = await node(redis.url, { IDENTITY: "token", TOKEN_SECRET: SECRET });
});
afterAll(async () => {
  await served.close();
  await redis.close();
  await rm(folder, { recursive: true });
});

const token = (name: string, role?: string): string => tokenOf(SECRET, name, { role });

async function joined(name: string, role?: string): Promise<Seen> {
  const seen = join(at(served), { name, token: () => token(name, role) });
  await seen.chat.joined();
  return seen;
}

function pipe(
  name: string,
  role: string | undefined,
  lines: readonly string[],
  ...more: string[]
): Promise<{ out: string[]; errors: string; code: number | null }> {
  const env = {
    PATH: process.env["PATH"],
    XDG_STATE_HOME: folder,
    TERTULIA_TOKEN: token(name, role),
  };
  const args = ["--name", name, "--url", at(served)[0]!, "--commands", ...more];
  const child = spawn(process.execPath, [MAIN, ...args], { env, cwd: folder });
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.end(`${lines.join("\n")}\n`);
  return new Promise((resolve) =>
    child.once("close", (code) => resolve({ out: out.trimEnd().split("\n"), errors, code })),
  );
}

/** As objects of `--json`. */
async function json(name: string, role: string | undefined, ...lines: string[]) {
  const { out, errors } = await pipe(name, role, lines, "--json");
  expect(errors).toBe("");
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("in a pipe", () => {
  test("a moderator mutes and lifts it, and reads what is in force and what was done", async () => {
    const bob = await joined("bob");
    const acts = await json("mo", "moderator", "/mute bob 1h too loud");
    expect(acts).toMatchObject([{ type: "moderated", act: "mute", target: "bob" }]);
    expect(acts[0]!["until"]).toBeGreaterThan(Date.now());
    await eventually(() =>
      expect(bob.chat.publish("~", "x")).rejects.toMatchObject({ code: "muted" }),
    );
    expect(await json("mo", "moderator", "/sanctions")).toMatchObject([
      { type: "sanction", kind: "mute", target: "bob", by: "@mo", reason: "too loud" },
    ]);
    const { out } = await pipe("mo", "moderator", ["/sanctions"]);
    expect(out[0]).toMatch(/^muted bob {2}until .+ {2}by @mo {2}too loud$/);
    await json("mo", "moderator", "/unmute bob");
    expect(await json("mo", "moderator", "/audit 2")).toMatchObject([
      { type: "act", act: "unmute", target: "bob", by: "@mo" },
      { type: "act", act: "mute", target: "bob", by: "@mo" },
    ]);
  });

  test("who may not is told so, and so is who would lift nothing", async () => {
    const user = await pipe("uma", undefined, ["/kick bob", "/sanctions"]);
    expect(user.errors).toBe(
      "tertulia-chat: line 1: That is not allowed.\ntertulia-chat: line 2: That is not allowed.\n",
    );
    const moderator = await pipe("mo", "moderator", ["/ban 192.0.2.7", "/unban nobody"]);
    expect(moderator.errors).toMatch(
      /line 1: That is not allowed\..*line 2: There is nothing to lift\./s,
    );
  });

  test("one's own newest message is removed, one by its number, and a moderator removes anybody's", async () => {
    const eva = await joined("eva");
    for (const text of ["one", "two", "three"]) await eva.chat.publish("~", text);
    const { out, errors } = await pipe("pip", undefined, ["hello", "/remove", "/remove eva"]);
    expect(out.slice(0, 2)).toEqual(["~ pip: hello", "The message is removed."]);
    expect(errors).toBe("tertulia-chat: line 3: That is not allowed.\n");
    const seq = eva.messages.find(({ text }) => text === "two")!.seq;
    expect(await json("mo", "moderator", "/remove eva", `/remove #${seq} off topic`)).toEqual(
      expect.arrayContaining([
        { type: "removed", conv: "~", seq: seq + 1 },
        { type: "removed", conv: "~", seq },
      ]),
    );
    await eventually(() =>
      expect(new Set(eva.messages.map(({ removes }) => removes))).toEqual(
        new Set([undefined, seq, seq + 1, seq + 2]),
      ),
    );
    expect(await json("mo", "moderator", "/audit 1")).toMatchObject([
      { type: "act", act: "remove", target: "eva", by: "@mo" },
    ]);
    const late = await pipe("mo", "moderator", ["/remove #999", "/history"]);
    expect(late.errors).toContain("line 1: There is no such message here.");
    expect(late.out.filter((line) => line.includes(" eva: "))).toEqual(["~ eva: one"]);
  });

  test("whom a user blocks writes no more in private, and is not told why", async () => {
    const bea = await joined("bea");
    await bea.chat.publish("~", "hello");
    expect(await json("pat", undefined, "/block bea")).toEqual([{ type: "block", user: "bea" }]);
    expect(await json("pat", undefined, "/blocks")).toEqual([{ type: "blocked", user: "bea" }]);
    await expect(bea.chat.publish("@pat", "psst")).rejects.toMatchObject({ code: "away" });
    const { out } = await pipe("pat", undefined, ["/unblock bea", "/blocks"]);
    expect(out).toEqual(["bea may write to you in private again.", "nobody"]);
    await bea.chat.publish("@pat", "and now?");
  });
});

describe.skipIf(!HAS_TMUX)("on the full screen (tmux)", () => {
  afterEach(closeWindows);

  const open = (name: string, role?: string, more: Record<string, string> = {}): Promise<Window> =>
    openWindow(name, ["--url", at(served)[0]!], {
      XDG_STATE_HOME: path(folder, name),
      TERTULIA_TOKEN: token(name, role),
      ...more,
    });
  const sees = (window: Window, ...parts: (string | RegExp)[]): Promise<string> =>
    eventually(async () => {
      const screen = await window.screen();
      for (const part of parts) expect(screen).toMatch(part);
      return screen;
    }, 30_000);

  test("an operator bans a user who sees why, in Spanish; what was done is in the log", async () => {
    const ops = await open("ops", "operator");
    const vic = await open("vic", undefined, { LC_ALL: "es_ES.UTF-8" });
    await sees(ops, "● vic");
    await sees(vic, "● ops");
    await ops.types("/ki", "[Tab]", "vi", "[Tab]", "once is enough", "[Enter]");
    await sees(ops, "kicked vic");
    await sees(vic, "Te han echado de este chat. (kicked: once is enough)");
    await vic.types("/conectar", "[Enter]");
    await sees(vic, "● vic activo");
    await ops.types("/ban vic 2h", "[Enter]");
    await sees(ops, /banned vic until .+\n/);
    await sees(vic, /banned until .+Z/);
    await ops.types("/sanctions", "[Enter]");
    await sees(ops, "Banned and muted", /banned vic {2}until .+ {2}by @ops/);
    await ops.types("/unban vic", "[Enter]");
    await sees(ops, "unbanned vic");
    await ops.types("/audit 3", "[Enter]");
    await sees(ops, "What moderators did", /unbanned vic {2}by @ops\n.+banned vic.+\n.+kicked vic/);
  });

  test("a message is removed for all, after a question; what a search has found, too", async () => {
    const lia = await open("lia");
    const mod = await open("mod", "moderator");
    await sees(lia, "● mod");
    await lia.types("my number is 1234", "[Enter]", "never mind", "[Enter]");
    await sees(mod, "my number is 1234", "never mind");
    await lia.types("/search number", "[Enter]", "/remove", "[Enter]");
    await sees(lia, 'Remove for all what lia wrote: "my number is 1234"? (y/n)');
    await lia.types("n", "[Enter]");
    await sees(lia, "Nothing was done.", "my number is");
    await lia.types("/remove", "[Enter]", "y", "[Enter]");
    for (const window of [lia, mod]) {
      expect(await sees(window, /lia {2}\(this message was removed\)/)).toContain("never mind");
    }
    await mod.types("/remove lia off topic", "[Enter]", "y", "[Enter]");
    await lia.types("[Escape]");
    await eventually(async () => expect(await lia.screen()).not.toContain("never mind"));
    await lia.types("/remove", "[Enter]");
    await sees(lia, "There is no such message here.");
  });

  test("a user blocks another, and the other reads what is said of somebody who is away", async () => {
    const kai = await open("kai");
    const sid = await open("sid");
    await sees(kai, "● sid");
    await kai.types("/bl", "[Tab]", "si", "[Tab]", "[Enter]");
    await sees(kai, "sid cannot write to you in private any more, and is not told.");
    await sid.types("/msg kai hi", "[Enter]");
    await sees(sid, "Not sent: This user is not here");
    await kai.types("/blocks", "[Enter]");
    await sees(kai, "Whom you have blocked", /│ sid\n/);
    await kai.types("/unblock sid", "[Enter]");
    await sees(kai, "sid may write to you in private again.");
    await sid.types("/retry", "[Enter]");
    await sees(kai, /2 sid +● +1 /);
  });

  test("a user is not offered what moderators may do", async () => {
    const una = await open("una");
    await sees(una, "● una active");
    await una.types("/ki", "[Tab]");
    await sees(una, "› /ki\n");
    await una.types("ck ops", "[Enter]");
    await sees(una, "That is not allowed.");
  });
});
