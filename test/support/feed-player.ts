/** Plays a transcript on a whole feed, whose connections to Redis are scripted. */
import { EventEmitter } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Notice, Position } from "#tertulia/chat/events.js";
import { observe } from "#tertulia/observe.js";
import { RedisFeed } from "#tertulia/redis/feed/feed.js";
import { Keys } from "#tertulia/redis/keys.js";
import { position, positions, ranges, written, type Player } from "./feed-transcript.js";

/** Longer than the first pause before another attempt to start. */
const RETRIED_WITHIN_MS = 40;

interface Asked {
  answer(value: unknown): void;
  refuse(error: Error): void;
}

export class FeedPlayer implements Player {
  readonly #keys = new Keys("test");
  readonly #subscriber = new FakeSubscriber();
  readonly #feed: RedisFeed;
  readonly #did: string[] = [];
  readonly #delivered: Position[] = [];
  /** What Redis was asked and has not answered: a subscription, a read. Of each one at a time. */
  readonly #asked = new Map<"subscribe" | "read", Asked>();
  #isProbeHeard = true;

  constructor() {
    const watch = observe("info", "test", {
      write: (line) => this.#hearLog(JSON.parse(line) as Record<string, unknown>),
    });
    this.#subscriber.onSubscribe = () => this.#ask("subscribe");
    this.#subscriber.onDisconnect = () => this.#do("disconnect");
    const commands = {
      hmget: async (key: string) =>
        key === this.#keys.meta(0) ? this.#ask("read lineage") : [null, null, null],
      xrangeBuffer: async (key: string, from: string) => {
        if (key !== this.#keys.log(0)) return [];
        return this.#ask(from === "-" ? "read oldest" : `read from ${from}`);
      },
      publish: async (channel: string, number: string) => {
        if (this.#isProbeHeard) this.#subscriber.tell(channel, Buffer.from(number));
        return 1;
      },
    };
    this.#feed = new RedisFeed(
      this.#subscriber as unknown as Redis,
      commands as unknown as Redis,
      this.#keys,
      watch,
    );
  }

  async play(line: string): Promise<readonly string[]> {
    const [input, ...words] = line.split(" ");
    this.#input(input!, words);
    const isRetried = input === "fail" || input === "refused";
    await pause(isRetried ? RETRIED_WITHIN_MS : 0);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    this.#writeDelivered();
    return this.#did.splice(0);
  }

  #input(input: string, words: readonly string[]): void {
    switch (input) {
      case "start":
        void this.#feed.start((notice) => this.#hearNotice(notice)).then(() => this.#do("started"));
        return;
      case "subscribed":
        return this.#taken("subscribe").answer("OK");
      case "refused":
        return this.#taken("subscribe").refuse(new Error("no answer"));
      case "fail":
        return this.#taken("read").refuse(new Error("no answer"));
      case "lost":
        this.#subscriber.change("close");
        return;
      case "connected":
        this.#subscriber.change("ready");
        return;
      case "hear":
        for (const at of positions(words)) this.#subscriber.tell(this.#keys.log(0), eventAt(at));
        return;
      case "lineage":
        return this.#taken("read").answer(metaOf(words));
      case "page":
      case "oldest":
        return this.#taken("read").answer(
          positions(words).map((at) => [written(at), ["e", eventAt(at)]]),
        );
      case "compare":
        return this.#feed.compare(0, position(words[0]!));
      case "probe":
        this.#isProbeHeard = words[0] !== "unheard";
        return this.#feed.probe();
      case "catch":
        void this.#feed.catchUp().then(() => this.#do("caught up"));
        return;
      case "close":
        void this.#feed.close().then(() => this.#do("closed"));
        return;
      case "look": {
        const { lag, isHearing, seen } = this.#feed;
        const newest = written(seen.newestIn(this.#keys.meta(0)));
        return this.#do(`seen ${newest}, lag ${lag}, ${isHearing ? "hearing" : "not hearing"}`);
      }
      default:
        throw new Error(`there is no input ${input}`);
    }
  }

  #ask(what: string): Promise<unknown> {
    this.#do(what);
    const kind = what === "subscribe" ? "subscribe" : "read";
    if (this.#asked.has(kind)) throw new Error(`${what}: asked twice at a time`);
    return new Promise((answer, refuse) => this.#asked.set(kind, { answer, refuse }));
  }

  #taken(kind: "subscribe" | "read"): Asked {
    const asked = this.#asked.get(kind);
    if (asked === undefined) throw new Error(`there is no ${kind} under way`);
    this.#asked.delete(kind);
    return asked;
  }

  #hearNotice(notice: Notice): void {
    if (notice.type === "gap") {
      const missed = notice.hasMissed ? "missed" : "nothing missed";
      return this.#do(`gap after ${written(notice.after)}, ${notice.reason}, ${missed}`);
    }
    if ("at" in notice) this.#delivered.push(notice.at);
  }

  #hearLog({ msg, after, events }: Record<string, unknown>): void {
    if (msg === "gap filled from the log") {
      this.#do(`filled ${events as number} after ${written(after as Position)}`);
    }
    if (msg === "log could not be read") this.#do("could not read");
  }

  /** In order: what was delivered before comes first, in one line. */
  #do(what: string): void {
    this.#writeDelivered();
    this.#did.push(what);
  }

  #writeDelivered(): void {
    if (this.#delivered.length === 0) return;
    this.#did.push(`deliver ${ranges(this.#delivered.splice(0))}`);
  }
}

class FakeSubscriber extends EventEmitter {
  status = "wait";
  onSubscribe: () => Promise<unknown> = async () => {};
  onDisconnect: () => void = () => {};

  async connect(): Promise<void> {
    this.change("ready");
  }

  subscribe(): Promise<unknown> {
    return this.onSubscribe();
  }

  disconnect(doesReconnect = false): void {
    if (doesReconnect) this.onDisconnect();
    this.change("close");
  }

  change(status: "ready" | "close"): void {
    this.status = status;
    this.emit(status);
  }

  tell(channel: string, event: Buffer): void {
    this.emit("messageBuffer", Buffer.from(channel), event);
  }
}

/** An event of the log that says that some node leads. */
function eventAt({ generation, offset }: Position): Buffer {
  const event = Buffer.alloc(20, "n");
  event.writeUInt8(3, 0);
  event.writeUIntBE(generation, 1, 6);
  event.writeUIntBE(offset, 7, 6);
  return event;
}

/** The fields g, n and lineage of a bucket's meta. */
function metaOf([head, , ...ends]: readonly string[]): (string | null)[] {
  const { generation, offset } = position(head!);
  if (generation === 0) return [null, null, null];
  const lineage = ends[0] === "?" ? null : `${generation}: ${ends.join(" ")}`;
  return [String(generation), String(offset), lineage];
}
