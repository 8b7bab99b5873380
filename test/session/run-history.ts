/** Runs a script: does its inputs one after the other, and writes below each what was observed. */
import { Unavailable } from "#tertulia/chat/ports.js";
import type { Name } from "#tertulia/chat/names.js";
import { setTimeout as pause } from "node:timers/promises";
import { nameOf } from "#tertulia/session/questions.js";
import { bytesOf } from "./byte-notation.js";
import { Clock } from "./clock.js";
import type { ThrowsAt } from "./dialect-with-bug.js";
import { FakeGateway, type Settings } from "./fake-gateway.js";
import { totals } from "./fake-observe.js";
import type { Implementation, Protocol } from "./implementation.js";
import { noticeOf } from "./model-notation.js";
import { Transcript } from "./transcript.js";

/** Nothing happens any more when nothing has happened for so many turns of the event loop. */
const QUIET_TURNS = 4;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A history under way. */
export class History {
  readonly transcript = new Transcript();
  readonly #clock = new Clock();
  readonly #make: Implementation;
  #gateway: FakeGateway | undefined;

  constructor(make: Implementation) {
    this.#make = make;
    this.#clock.install();
  }

  get gateway(): FakeGateway {
    if (this.#gateway === undefined) throw new Error("a history begins with `connect`");
    return this.#gateway;
  }

  /** Does one input, and waits until nothing happens any more. */
  async step(line: string): Promise<void> {
    this.transcript.input(line);
    if (line.startsWith("#")) return;
    const [, times = "1", act = line] = /^(\d+)x (.*)$/.exec(line) ?? [];
    const passed = /^\+(\d+)(ms|s)$/.exec(act);
    if (passed !== null) return this.#pass(Number(passed[1]) * (passed[2] === "s" ? 1_000 : 1));
    for (let i = 0; i < Number(times); i++) for (const each of act.split(" && ")) this.#do(each);
    await this.#settle();
    this.transcript.endMoment(0);
  }

  /** The whole transcript, with what the counters say. */
  async end(): Promise<string> {
    this.#gateway?.close();
    this.#clock.uninstall();
    this.transcript.input(`totals`);
    this.transcript.note("log", (await totals()) || "nothing");
    this.transcript.endMoment(0);
    return this.transcript.toString();
  }

  async #pass(ms: number): Promise<void> {
    const began = this.#clock.now;
    for (let next = this.#clock.nextAt; next !== undefined && next <= began + ms;) {
      this.#clock.runNext();
      await this.#settle();
      this.transcript.endMoment(this.#clock.now - began);
      next = this.#clock.nextAt;
    }
    this.#clock.now = began + ms;
  }

  async #settle(): Promise<void> {
    let seen = this.transcript.length;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await nextTurn();
      const hasWritten = this.#gateway?.flush() === true;
      if (hasWritten || this.transcript.length !== seen) quiet = -1;
      seen = this.transcript.length;
    }
    this.#gateway?.look();
  }

  #do(line: string): void {
    const [word = "", ...words] = line.split(" ");
    const rest = line.slice(word.length + 1);
    if (word === "connect") {
      this.#gateway = new FakeGateway(this.transcript, settingsOf(words), this.#make);
      void this.#gateway.upgrade();
      return;
    }
    const { stores, socket, hub, session } = this.gateway;
    const isText = session.dialect.frames === "text";
    const told = (what: string, done: Promise<unknown>): void => {
      const note = (end: string): void => this.transcript.note("state", `${what} ${end}`);
      done.then(
        () => note("is done"),
        (error: unknown) =>
          note(error instanceof Unavailable ? "failed" : `broke: ${String(error)}`),
      );
    };
    switch (word) {
      case "=":
        return stores.answer(rest);
      case "*":
        return this.gateway.hear(noticeOf(rest, this.#self, () => stores.nextAt()));
      case "<":
        return this.#client(rest);
      case "stall":
        return socket.stall();
      case "take":
        return rest === "all" ? socket.takeAll() : socket.takeSome();
      case "suspend":
        return hub.suspend();
      case "reclaim":
        return told("reclaim", hub.reclaim(rest === "older"));
      case "leave":
        return told("leave", session.leave());
      case "restart": {
        const leave = session.leave().then(() => session.close("restarting"));
        return told("restart", leave);
      }
      case "evict": {
        const leave = Promise.race([session.leave(), pause(1_000)]);
        return told(
          "eviction",
          leave.then(() => session.close(isText ? "cannotServeJson" : "eventsMissed")),
        );
      }
      case "close":
        return session.close("restarting");
      case "revoke":
        return session.close("revoked");
      case "goaway":
        return this.transcript.note(
          "state",
          `can come back before: ${session.goAway(Number(rest))}`,
        );
      case "abandon":
        return session.abandon();
      case "there?":
        void session.isThere().then((is) => this.transcript.note("state", `is there: ${is}`));
        return;
      default:
        throw new Error(`no such input: ${line}`);
    }
  }

  /** What the client does. */
  #client(rest: string): void {
    const { socket } = this.gateway;
    const [word = "", code] = rest.split(" ");
    const isText = this.gateway.session.dialect.frames === "text";
    if (word === "close") socket.sendClose(code === undefined ? undefined : Number(code));
    else if (word === "end") socket.push(null);
    else if (word === "reset") socket.destroy(new Error("reset"));
    else if (word === "pong") socket.sendFrame(Buffer.alloc(0), "pong");
    else if (rest === "empty") socket.sendFrame(Buffer.alloc(0), "binary");
    else if (rest === "bad utf-8") socket.sendFrame(Buffer.from([0xff]), "text");
    else if (isText) socket.sendFrame(Buffer.from(rest), "text");
    else socket.sendFrame(bytesOf(rest), "binary");
  }

  get #self(): Name {
    return nameOf(this.gateway.session.state) ?? ("ana" as Name);
  }
}

/** Runs the inputs of a transcript; what it observed then is left out. */
export async function runHistory(script: string, make: Implementation): Promise<string> {
  const history = new History(make);
  for (const line of script.split("\n")) {
    if (line === "" || line.startsWith("  ") || line === "totals") continue;
    await history.step(line);
  }
  return history.end();
}

/** `classic ?name=ana replicated queue=1000 rate=5 crowd=201 throws-at=missed` */
function settingsOf(words: readonly string[]): Settings {
  const after = (prefix: string): string | undefined =>
    words.find((word) => word.startsWith(prefix))?.slice(prefix.length);
  return {
    protocol: words[0] as Protocol,
    name: after("?name=") as Name | undefined,
    isReplicated: words.includes("replicated"),
    queueBytes: Number(after("queue=") ?? 1_048_576),
    perSecond: Number(after("rate=") ?? 50),
    throwsAt: after("throws-at=") as ThrowsAt | undefined,
    crowd: Number(after("crowd=") ?? 0),
  };
}
