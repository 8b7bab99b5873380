/** The terminal client as it ships: in a pipe, and in tmux, with people on two gateways. */
/* oxlint-disable no-control-regex -- looks are escape sequences */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { eventually } from "../support/eventually.js";
import { nodeProcess, type NodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { message, refusal, stored, texts, welcomes } from "../support/scripted-server.js";
import { at, join, serve } from "../support/sdk-scene.js";
import { closeWindows, HAS_TMUX, openWindow, type Window } from "../support/tmux.js";

const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));
const count = (text: string, part: string): number => text.split(part).length - 1;

let folder: string;
let errors: string;
let redis: TestRedis;
let first: NodeProcess;
let second: NodeProcess;

beforeAll(async () => {
  folder = await mkdtemp(path(tmpdir(), "tertulia-terminal-"));
  errors = path(folder, "errors");
  redis = await startRedis();
  const start = (): Promise<NodeProcess> => nodeProcess({ REDIS_URL: redis.url });
  [first, second] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
  await redis.close();
  await rm(folder, { recursive: true });
});

interface Piped {
  readonly out: string;
  readonly errors: string;
  readonly code: number | null;
}

/** With `input` it is given that and no more; without, it stays open. */
function pipe(
  args: readonly string[],
  input?: string,
  state = path(folder, "state"),
): { ended: Promise<Piped>; end(signal: NodeJS.Signals): void; seen(): string } {
  const env = { PATH: process.env["PATH"], XDG_STATE_HOME: state };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Piped>((resolve) =>
    child.once("close", (code) => resolve({ out, errors, code })),
  );
  if (input !== undefined) child.stdin.end(input);
  return { ended, end: (signal) => void child.kill(signal), seen: () => out };
}

describe("in a pipe", () => {
  test("a name that hides something is refused with the reason", async () => {
    const ended = pipe(["--url", at(first)[0]!, "--name", "eve\u200d"], "hi\n").ended;
    expect(await ended).toMatchObject({ out: "", code: 2 });
    expect((await ended).errors).toMatch(/cannot be a name here.*hide nothing/);
  });

  test("every line is published in order and acknowledged before it ends", async () => {
    const lines = Array.from({ length: 130 }, (_, at) => `line ${at}`);
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    const { code, out, errors } = await pipe(
      ["--name", "bot", "--url", at(first)[0]!],
      lines.join("\n"),
    ).ended;
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(out.trimEnd().split("\n")).toEqual(lines.map((line) => `~ bot: ${line}`));
    await eventually(() => expect(eva.messages.map(({ text }) => text)).toEqual(lines));
  });

  test("a line ends with LF or CRLF, and with nothing else", async () => {
    const lines = ["a\u2028b\u2029c\u0085d\ve\ff\rg", "日本語", "no line end"];
    const eva = join(at(second), { name: "eva3" });
    await eva.chat.joined();
    const args = ["--name", "lines", "--url", at(first)[0]!];
    const { code, errors, out } = await pipe(args, lines.join("\r\n")).ended;
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(out.split("\n").length).toBe(lines.length + 1);
    await eventually(() => expect(eva.messages.map(({ text }) => text)).toEqual(lines));
  });

  test("printed messages are marked as read: the next run does not print them again", async () => {
    const eva = join(at(second), { name: "eva2" });
    await eva.chat.joined();
    const bot = (): Promise<{ out: string }> =>
      pipe(["--name", "nightly", "--url", at(first)[0]!, "--to", "@eva2"], "done\n").ended;
    expect((await bot()).out).toBe("@eva2 nightly: done\n");
    await eva.chat.publish("@nightly", "thanks");
    const out = "@eva2 eva2: thanks\n@eva2 nightly: done\n";
    expect((await bot()).out.split("\n").toSorted()).toEqual(out.split("\n").toSorted());
    expect((await bot()).out).toBe("@eva2 nightly: done\n");
  });

  test("its name is kept for its key: another machine does not get it, and this one does", async () => {
    const url = at(first)[0]!;
    const run = (state?: string): Promise<Piped> =>
      pipe(["--name", "keeper", "--url", url], "hi\n", state).ended;
    expect((await run()).code).toBe(0);
    const elsewhere = await run(path(folder, "elsewhere"));
    expect(elsewhere.code).toBe(2);
    expect(elsewhere.errors).toContain("is kept for somebody");
    expect((await run()).code).toBe(0);
    const keys = path(folder, "state", "tertulia", "keys");
    for (const file of await readdir(keys)) {
      expect((await stat(path(keys, file))).mode & 0o777).toBe(0o600);
    }
  });

  test("where no key can be kept, the name is not kept either", async () => {
    const run = (): Promise<Piped> =>
      pipe(["--name", "homeless", "--url", at(first)[0]!], "hi\n", "/dev/null/nowhere").ended;
    expect((await run()).code).toBe(0);
    expect((await run()).code).toBe(0);
  });

  test("with --listen it stays and prints, as JSON with --json, until it is ended", async () => {
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    const url = at(first)[0]!;
    const bot = pipe(
      ["--name", "bot2", "--url", url, "--json", "--listen", "--to", "@eva"],
      "hi\n",
    );
    await eventually(() => expect(eva.messages.at(-1)?.text).toBe("hi"));
    await eva.chat.publish("@bot2", "two\nlines \x1b[31m");
    const last = (): unknown => JSON.parse(bot.seen().trimEnd().split("\n").at(-1)!);
    await eventually(() =>
      expect(last()).toMatchObject({
        type: "message",
        conv: "@eva",
        from: "eva",
        text: "two\nlines \x1b[31m",
      }),
    );
    bot.end("SIGTERM");
    expect((await bot.ended).code).toBe(143);
    await eventually(async () => expect(await eva.chat.user("bot2")).toBe("disconnected"));
  });

  test("the commands of the full screen answer on lines", async () => {
    const eve = join(at(second), { name: "eve" });
    await eve.chat.joined();
    await eve.chat.setStatus("busy");
    const url = at(first)[0]!;
    const input = "/info eve\n/users\n/nonsense\n/status busy\n/msg eve hi\n/quit\nnever said\n";
    const { code, out, errors } = await pipe(["--name", "bot3", "--url", url, "--commands"], input)
      .ended;
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual(expect.arrayContaining(["eve busy", "@eve bot3: hi"]));
    expect(errors).toContain("line 3: There is no /nonsense.");
    await eventually(() => expect(eve.messages.map(({ text }) => text)).toEqual(["hi"]));
  });

  test("the exit code says what went wrong", async () => {
    const [url] = at(first) as [string];
    const eva = join(at(first), { name: "eva" });
    await eva.chat.joined();
    const ends: readonly (readonly [args: string[], code: number, errors: RegExp])[] = [
      [[], 1, /--name is needed/],
      [["--name", "eva", "--url", url], 2, /Somebody has this name already/],
      [["--name", "#no", "--url", url], 2, /This cannot be a name here/],
      [["--name", "bot", "--url", "ws://127.0.0.1:1", "--wait", "0.5"], 2, /away for 0.5 s/],
      [["--name", "bot5", "--url", url, "--wait", "Infinity"], 0, /^$/],
      [["--name", "bot6", "--url", url, "--wait", "2147484"], 0, /^$/],
      [["--name", "bot4", "--url", url, "--to", "nobody-ever"], 3, /line 1: Nobody of this name/],
    ];
    const outcomes = await Promise.all(ends.map(([args]) => pipe(args, "text\n").ended));
    for (const [at, { code, errors }] of outcomes.entries()) {
      expect(code, errors).toBe(ends[at]![1]);
      expect(errors).toMatch(ends[at]![2]);
    }
  });

  test("a message that was not acknowledged before the chat went away is reported, with exit code 3", async () => {
    const server = await serve(
      welcomes(undefined, (request, peer) => {
        if (request.type !== "publish") return;
        peer.socket.terminate();
        void server.close();
      }),
    );
    const args = ["--name", "bot", "--url", server.url, "--wait", "1"];
    const { code, errors } = await pipe(args, "a\nb\n").ended;
    expect(code).toBe(3);
    expect(errors).toMatch(/line 1.*away for 1 s\n.*line 2.*away for 1 s/);
  });

  test.each([[[]], [["--listen"]]])(
    "a chat that goes away for good while nothing is on its way is exit code 2 (%j)",
    async (more) => {
      const server = await serve(welcomes());
      const args = ["--name", "bot", "--url", server.url, "--wait", "1", ...more];
      const bot = pipe(args, more.length === 0 ? undefined : "");
      await eventually(() => expect(server.peers[0]?.hello).toBeDefined());
      server.peers[0]!.says(message(1));
      await eventually(() => expect(bot.seen()).toBe("~ bob: text 1\n"));
      for (const { socket } of server.peers) socket.terminate();
      await server.close();
      const { code, errors } = await bot.ended;
      expect(code).toBe(2);
      expect(errors).toMatch(/^tertulia-chat: the chat at \S+ was away for 1 s\n$/);
    },
  );

  test("it waits for a slow answer", async () => {
    let isFirst = true;
    const server = await serve(
      welcomes(undefined, (request, peer) => {
        if (request.type !== "publish") return;
        peer.says(isFirst ? refusal(request, "unavailable", 2_500) : stored(request));
        isFirst = false;
      }),
    );
    const args = ["--name", "bot", "--url", server.url];
    expect(await pipe(args, "text 1\ntext 2\n").ended).toMatchObject({ code: 0, errors: "" });
    expect(texts(...server.peers)).toEqual(["text 1", "text 1", "text 2"]);
  });

  test("when the chat closes the connection for good, the exit code is 4", async () => {
    const server = await serve(welcomes());
    const bot = pipe(["--name", "bot", "--url", server.url, "--listen"], "");
    await eventually(() => expect(server.peers[0]?.hello).toBeDefined());
    server.peers[0]!.socket.close(4409, "replaced");
    expect(await bot.ended).toMatchObject({ code: 4 });
  });
});

if (!HAS_TMUX) console.warn("no tmux: the full screen of the terminal client is not tried");

describe.skipIf(!HAS_TMUX)("on the full screen (tmux)", () => {
  afterEach(closeWindows);

  async function sees(window: Window, ...parts: (string | RegExp)[]): Promise<string> {
    return eventually(async () => {
      const screen = await window.screen();
      for (const part of parts) expect(screen).toMatch(part);
      return screen;
    }, 30_000);
  }

  async function two(): Promise<[ana: Window, bob: Window]> {
    const everybody = ["--url", at(first)[0]!];
    const ana = await openWindow("ana", everybody);
    const bob = await openWindow("bob", ["--url", at(second)[0]!], {
      LC_ALL: "es_ES.UTF-8",
      NO_COLOR: "1",
    });
    await sees(ana, "● ana active", "● bob");
    await sees(bob, "● bob activo", "● ana");
    return [ana, bob];
  }

  test("two people talk, in general and in private, each in their language", async () => {
    const [ana, bob] = await two();
    await ana.types("hola 日本語 👍 to all", "[Enter]");
    await sees(bob, /ana  hola 日本語 👍 to all/);
    await bob.types("/privado an", "[Tab]", "just you", "[Enter]");
    await sees(ana, /2 bob +● +1 /);
    await ana.types("[M-2]");
    await sees(ana, /bob  just you/, "Message to bob");
    await bob.types("x");
    await sees(ana, "bob is typing …");
    await ana.types("/status busy", "[Enter]");
    await sees(bob, /◐ ana +ocupado/);
    await bob.types("[C-u]", "quiet now", "[Enter]");
    const busy = await sees(ana, "1 message is waiting");
    expect(busy).not.toContain("quiet now");
    await ana.types("/status active", "[Enter]");
    await sees(ana, "quiet now");
    await ana.types("/msg nobody-ever hi", "[Enter]");
    await sees(ana, "Not sent: Nobody of this name", "/retry");
    await ana.types("/discard", "[Enter]", "/info bob", "[Enter]");
    await sees(ana, "● active · Is here");
    expect(await ana.screen(true)).toMatch(/\x1b\[[\d;]*36m/);
    expect(await bob.screen(true)).not.toMatch(/\x1b\[[\d;]*(?:3[0-8]|9\d)m/);
  });

  test("a name with blanks or quotes is completed so that nobody else reads what is said", async () => {
    const yamada = join(at(second), { name: "山田" });
    const taro = join(at(second), { name: "山田　太郎" });
    const quoted = join(at(second), { name: 'a "b" \\c' });
    for (const { chat } of [yamada, taro, quoted]) await chat.joined();
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, "● 山田 ", "太郎", '● a "b"');
    await ana.types("/msg 山田　", "[Tab]", "secret", "[Enter]");
    await sees(ana, "Message to 山田　太郎", /secret/);
    await ana.types("/msg a", "[Tab]", "another", "[Enter]");
    await sees(ana, 'Message to a "b" \\c');
    await ana.types("/msg 山田　太郎 a third", "[Enter]");
    await eventually(() => {
      expect(taro.messages.map(({ text }) => text)).toEqual(["secret", "a third"]);
      expect(quoted.messages.map(({ text }) => text)).toEqual(["another"]);
    });
    expect(yamada.messages).toEqual([]);
  });

  test("a gateway is killed in the middle: nothing is lost or doubled on the screens", async () => {
    // a name of its own: the dead node holds it for as long as its lease
    const environment = { REDIS_URL: redis.url, PORT: await freePort() };
    const doomed = await nodeProcess(environment);
    const [rita, bob] = [
      await openWindow("rita", ["--url", at(doomed)[0]!]),
      await openWindow("bob", ["--url", at(second)[0]!]),
    ];
    await sees(rita, "● bob");
    await sees(bob, "● rita");
    await rita.types("before it", "[Enter]");
    await sees(bob, "before it");
    await doomed.close("SIGKILL");
    await sees(rita, /Connection lost|does not answer/);
    await rita.types("while it was away", "[Enter]");
    await bob.types("what rita missed", "[Enter]");
    await sees(rita, "while it was away …");
    const again = await nodeProcess(environment);
    await rita.types("[C-r]");
    for (const window of [rita, bob]) {
      const screen = await sees(window, "before it", "while it was away", "what rita missed");
      await eventually(async () => expect(await window.screen()).not.toMatch(/away …/), 10_000);
      for (const text of ["before it", "while it was away", "what rita missed"]) {
        expect(count(screen, text), screen).toBe(1);
      }
    }
    await again.close();
  });

  test("scrolling up loads history, and new messages do not move the position", async () => {
    const bot = join(at(second), { name: "talker" });
    await bot.chat.joined();
    const numbers = Array.from({ length: 130 }, (_, at) => at + 1);
    await Promise.all(numbers.map((n) => bot.chat.publish("~", `text ${n}.`)));
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, "text 130.");
    await eventually(async () => {
      await ana.types("[PPage]");
      expect(await ana.screen()).toContain("this is where it begins");
    }, 15_000);
    await bot.chat.publish("~", "one more.");
    await sees(ana, "1 new below", "this is where it begins");
    await ana.types("[Escape]");
    await sees(ana, "one more.");
  });

  test("actions and mentions are highlighted, and a search finds a message", async () => {
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    const numbers = Array.from({ length: 40 }, (_, at) => at + 1);
    for (const n of numbers) await eva.chat.publish("~", n % 20 === 0 ? `José ${n}` : `text ${n}`);
    await eva.chat.publish("~", "/me waves");
    await eva.chat.publish("~", "not banana, ANA.");
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, /\* {2}eva waves/, "banana, ANA");
    expect(await ana.screen(true)).toMatch(/not banana, \x1b\[(?:0;)?1[;m\x1b[]*33mANA\x1b/);
    await ana.types("/me waves back", "[Enter]");
    await sees(ana, /\* {2}ana waves back/);
    await eventually(() => expect(eva.messages.at(-1)?.text).toBe("/me waves back"));
    await ana.types("/na", "[Tab]", "[Enter]");
    await sees(ana, "2 people here", "● eva active");
    await ana.types("/se", "[Tab]", "jose", "[Enter]");
    await sees(ana, '"jose": 2 of 2', /▌.{5} +eva {2}José 40/);
    await ana.types("[Up]");
    await sees(ana, '"jose": 1 of 2', /▌.{5} +eva {2}José 20/, "text 10");
    await ana.types("[Down]");
    await sees(ana, '"jose": 2 of 2', /▌.{5} +eva {2}José 40/);
    await ana.types("/search", "[Enter]");
    await sees(ana, '"jose": 1 of 2');
    await ana.types("/search nothing of it", "[Enter]");
    await sees(ana, '"nothing of it" is not in what is loaded here');
    await ana.types("[Escape]");
    await sees(ana, "ana waves back", "Message to everybody");
    await ana.types("[Up]");
    await sees(ana, "› /search nothing of it");
  });

  test("with --bell mentions it rings for the user's name, not for everything", async () => {
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    // a name of her own: what others wrote to ana in private rings when she comes
    const ada = await openWindow("ada", ["--url", at(first)[0]!, "--bell", "mentions"]);
    await sees(ada, "● ada active");
    await ada.types("\x1b[O"); // the window has lost the focus
    await eva.chat.publish("~", "who has adapters?");
    await sees(ada, "adapters?");
    expect(await ada.is("window_bell_flag")).toBe("0");
    await eva.chat.publish("~", "Ada does");
    await eventually(async () => expect(await ada.is("window_bell_flag")).toBe("1"));
  });

  test("a paste is text: line ends are not doubled, and Ctrl-C still quits after it", async () => {
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    const heard = (): string[] => eva.messages.map(({ text }) => text);
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, "● ana active");
    await ana.pastes("one\r\ntwo\r\n\r\nfour \x1b[31mred\x03");
    await sees(ana, /› one\n +two\n\n +four red/);
    await ana.types("[Enter]");
    await eventually(() => expect(heard()).toEqual(["one\ntwo\n\nfour red"]));
    for (const [n, end] of ["\x1b", "\x1b[", "\x1b[20", "\x1b]0;title"].entries()) {
      await ana.pastes(`text ${n}${end}`);
      await ana.types("!", "[Enter]");
      await eventually(() => expect(heard().at(-1)).toMatch(new RegExp(`^text ${n}.*!$`)));
    }
    await ana.pastes("never sent\x1b[");
    await ana.types("[C-c]");
    await sees(ana, "left with 0");
    expect(heard().at(-1)).not.toContain("never");
  });

  test("a large paste is there at once, and keys still work", async () => {
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, "● ana active");
    await ana.pastes(`${"a line of text 日本語\n".repeat(4_500)}its end`);
    await ana.types("!");
    await sees(ana, "its end!");
    await ana.types("[C-u]", "[C-u]", "short", "[Enter]");
    await sees(ana, /  short\n/, "Message to everybody");
  });

  test("after a resize it is drawn again and fits", async () => {
    const [ana] = await two();
    await ana.types("a text that is somewhat longer than forty columns are", "[Enter]");
    await sees(ana, "forty columns are");
    await ana.resize(40, 14);
    // all of it at once: before, and halfway, the screen shows some of it
    await eventually(async () => {
      const small = await sees(ana, /somewhat\n/, "Message to everybody");
      expect(small).not.toContain("│");
    });
    await ana.resize(100, 30);
    await sees(ana, "│", "forty columns are");
    for (const mend of [() => ana.resize(100, 31), () => ana.types("[C-l]")]) {
      await ana.stains("\x1b7\x1b[3;50Hstain\x1b8");
      await sees(ana, "stain");
      await mend();
      await eventually(async () => expect(await ana.screen()).not.toContain("stain"));
    }
  });

  test("texts of others cannot control the terminal", async () => {
    const [ana] = await two();
    const eva = join(at(second), { name: "eva" });
    await eva.chat.publish("~", "\x1b]0;owned\x07\x1b[2J\x1b[?25l\x1b[31mharm\u202eless");
    const screen = await sees(ana, "eva  harmless");
    expect(screen).toContain("Conversations");
    expect(await ana.is("cursor_flag")).toBe("1");
    expect(await ana.is("pane_title")).not.toBe("owned");
  });

  test.each([
    ["Ctrl-C", ["[C-c]"], 0],
    ["/quit", ["/quit", "[Enter]"], 0],
    ["Ctrl-D", ["[C-d]"], 0],
    ["SIGTERM", "SIGTERM", 143],
    ["SIGHUP", "SIGHUP", 129],
  ] as const)("after %s the terminal is as it was", async (_, how, code) => {
    const ana = await openWindow("ana", ["--url", at(first)[0]!]);
    await sees(ana, "● ana active");
    expect(await ana.is("alternate_on")).toBe("1");
    if (typeof how === "string") process.kill(await ana.pid(), how);
    else await ana.types(...how);
    await sees(ana, `left with ${code}`);
    const flags = "#{alternate_on} #{cursor_flag} #{wrap_flag}".replaceAll(/[#{}]/g, "").split(" ");
    expect(await Promise.all(flags.map((flag) => ana.is(flag)))).toEqual(["0", "1", "1"]);
    await ana.types("echoed again", "[Enter]");
    await eventually(async () => expect(count(await ana.screen(), "echoed again")).toBe(2));
  });

  test("after a crash the terminal is restored, and shows the reason", async () => {
    const bomb = "setInterval(()=>{if(process.stdin.isRaw)throw(Error(`boom`))},300)";
    const crashing = { NODE_OPTIONS: `--import=data:text/javascript,${bomb}` };
    const ana = await openWindow("ana", ["--url", at(first)[0]!], crashing);
    await sees(ana, "Error: boom", "left with 70");
    expect(await Promise.all([ana.is("alternate_on"), ana.is("cursor_flag")])).toEqual(["0", "1"]);
  });

  test("when its window is closed, it leaves and ends by SIGHUP", async () => {
    const eva = join(at(second), { name: "eva" });
    await eva.chat.joined();
    const iris = await openWindow("iris", ["--url", at(first)[0]!], {}, errors);
    await sees(iris, "● iris active");
    await closeWindows();
    // before her name would be let go of anyway (PRESENCE_LINGER_MS)
    const isGone = async (): Promise<void> =>
      expect(await eva.chat.user("iris")).toBe("disconnected");
    await eventually(isGone, 2_500);
    expect(await readFile(errors, "utf8")).toBe("");
  });

  test("a refused name is reported after the screen is restored", async () => {
    const server = await serve((request, peer) => peer.says(refusal(request, "name_taken")));
    const ana = await openWindow("ana", ["--url", server.url]);
    await sees(ana, "Somebody has this name already", "left with 2");
    expect(await ana.is("alternate_on")).toBe("0");
  });
});
