/** A bucket's log on servers that lose, delay and replace, and what a feed's state makes of it. */
import { isBefore, type Position } from "#tertulia/chat/events.js";
import {
  UNKNOWN,
  type Answer,
  type BucketState,
  type Effect,
  type Input,
} from "#tertulia/redis/feed/bucket-state.js";
import { PAGE } from "#tertulia/redis/feed/fill.js";
import type { Hole } from "#tertulia/redis/feed/hole.js";
import type { Lineage } from "#tertulia/redis/feed/lineage.js";
import { transition } from "#tertulia/redis/feed/transition.js";
import { written } from "./feed-transcript.js";

type Read = Extract<Effect, { type: "read" }>;

/** A bucket as one server has it. */
export class Server {
  head: Position = { generation: 0, offset: 0 };
  ends = new Map<number, number>([[0, 0]]);
  /** All events that led to the head, and how many of them the log has no more. */
  events: Position[] = [];
  trimmed = 0;

  copy(): Server {
    const { head, ends, events, trimmed } = this;
    return Object.assign(new Server(), {
      head,
      ends: new Map(ends),
      events: [...events],
      trimmed,
    });
  }

  get last(): Position | undefined {
    return this.events.at(-1);
  }

  append(): Position {
    const { generation, offset } = this.head;
    this.head = { generation, offset: offset + 1 };
    this.events.push(this.head);
    return this.head;
  }

  beginGeneration(generation: number): void {
    const { head } = this;
    if (head.offset > 0) this.ends.set(head.generation, head.offset);
    this.head = { generation, offset: 0 };
  }

  answer(read: Read): Answer {
    const log = this.events.slice(this.trimmed).map((at) => ({ at, event: Buffer.alloc(0) }));
    switch (read.what) {
      case "page": {
        const page = log.filter(({ at }) => !isBefore(at, read.from)).slice(0, PAGE);
        return { type: "pageRead", page };
      }
      case "oldest":
        return { type: "oldestRead", oldest: log[0]?.at };
      case "lineage": {
        const lineage: Lineage = { head: this.head, ends: new Map(this.ends) };
        return { type: "lineageRead", lineage };
      }
      default:
        return read satisfies never;
    }
  }
}

/** In a history of more, with data that are lost and come back, a gap may go unreported: one in 100,000 histories. */
const MOST_REPLACED = 3;

/** What was delivered and reported, in that order. */
export type Output = { readonly at: Position } | { readonly hole: Hole };

export class World {
  /** The primary. */
  server = new Server();
  /** Where the connection leads that reads: for a while still to a server that was replaced. */
  #reader = this.server;
  state: BucketState = UNKNOWN;
  readonly output: Output[] = [];
  /** Of each event, the one that led to it. */
  readonly #before = new Map<string, Position | undefined>();
  #hasMoved = false;
  #replaced = 0;
  readonly #backups: Server[] = [new Server()];
  /** Published, and not heard yet. */
  readonly #underWay: Position[] = [];
  #read: { readonly effect: Read; readonly asOfThen: Server } | undefined;
  #isSubscribed = true;
  #generations = 0;
  /** The head that a beat has read. */
  #headRead: Position | undefined;

  constructor() {
    this.#newGeneration();
    this.enter({ type: "start" });
    this.answer("now");
  }

  get isReading(): boolean {
    return this.#read !== undefined;
  }

  enter(input: Input): void {
    const { state, effects } = transition(this.state, input);
    this.state = state;
    if (state.name !== "filling") this.#hasMoved = false;
    for (const effect of effects) {
      if (effect.type === "deliverHeard") {
        if (input.type !== "heard") throw new Error("nothing was heard");
        this.output.push({ at: input.at });
      } else if (effect.type === "deliverRead") this.output.push(...effect.events);
      else if (effect.type === "report") this.output.push({ hole: effect.hole });
      else if (effect.type === "read") {
        if (this.#read !== undefined) throw new Error("two reads at a time");
        this.#read = { effect, asOfThen: this.#reader.copy() };
      } else if (effect.type === "replaceSubscription") {
        this.#isSubscribed = false;
        this.enter({ type: "replaced" });
      }
    }
  }

  /** `where`: some still write to a server that was replaced. */
  publish(n: number, fate: "heard" | "lost" | "delayed", where: "primary" | "reader"): void {
    const server = where === "primary" ? this.server : this.#reader;
    for (let i = 0; i < n; i++) {
      const { last } = server;
      const at = server.append();
      this.#before.set(written(at), last);
      if (!this.#isSubscribed || fate === "lost") continue;
      if (fate === "heard") this.enter({ type: "heard", at });
      else this.#underWay.push(at);
    }
  }

  /** One that was under way, perhaps not for the last time. */
  hear(index: number, isAgain: boolean): void {
    if (this.#underWay.length === 0) return;
    const i = index % this.#underWay.length;
    const at = this.#underWay[i]!;
    if (!isAgain) this.#underWay.splice(i, 1);
    this.enter({ type: "heard", at });
  }

  /** As of when it was asked, or of now. */
  answer(when: "then" | "now"): void {
    const read = this.#read;
    if (read === undefined) return;
    this.#read = undefined;
    this.enter((when === "then" ? read.asOfThen : this.#reader).answer(read.effect));
  }

  fail(): void {
    if (this.#read === undefined) return;
    this.#read = undefined;
    this.enter({ type: "readFailed", error: new Error("no answer") });
  }

  beat(step: "read" | "readOld" | "compare"): void {
    if (step === "read") this.#headRead = this.server.head;
    else if (step === "readOld") this.#headRead = this.#reader.head;
    else if (this.#headRead) this.enter({ type: "compared", head: this.#headRead });
  }

  cut(): void {
    this.#isSubscribed = false;
  }

  resubscribe(): void {
    this.#isSubscribed = true;
    this.enter({ type: "resubscribed" });
  }

  /** The newest event stays. */
  trim(n: number): void {
    const { server } = this;
    server.trimmed = Math.min(server.trimmed + n, Math.max(server.events.length - 1, 0));
  }

  backUp(): void {
    this.#backups.push(this.server.copy());
  }

  /** The data stay. `isLeft`: the connection that reads knows it. */
  restart(isLeft: boolean): void {
    this.#replace(this.server.copy(), isLeft);
  }

  restore(index: number, isLeft: boolean): void {
    this.#replace(this.#backups[index % this.#backups.length]!.copy(), isLeft);
  }

  /** The connection that reads leads to the primary. Not twice in one fill: reads of three servers, a moment apart. */
  move(): void {
    if (this.state.name === "filling") {
      if (this.#hasMoved) return;
      this.#hasMoved = true;
    }
    this.#reader = this.server;
  }

  #replace(by: Server, isLeft: boolean): void {
    if (++this.#replaced > MOST_REPLACED) return;
    this.backUp();
    this.server = by;
    if (isLeft) this.move();
    this.#newGeneration();
  }

  /** Beats come and reads are answered, nothing else happens. */
  settle(): void {
    this.#reader = this.server;
    for (let beat = 0; beat < 5; beat++) {
      if (beat === 0 || !this.#isSubscribed) this.resubscribe();
      for (let reads = 0; this.isReading; reads++) {
        if (reads > 100) throw new Error("it reads without end");
        this.answer("now");
      }
      if (beat === 4) return;
      this.beat("read");
      this.beat("compare");
    }
  }

  /** What is wrong with what was delivered and reported, if something is. */
  fault(mayReportTooMuch = true): string | undefined {
    const delivered = new Set<string>();
    let last: Position | undefined;
    /** What came before this is known to be missed. */
    let excused: Position = { generation: 0, offset: 0 };
    let reports: Hole[] = [];
    for (const each of [...this.output, "end" as const]) {
      if (each !== "end" && "hole" in each) {
        reports.push(each.hole);
        continue;
      }
      const what = each === "end" ? "the end" : written(each.at);
      if (each !== "end" && last && !isBefore(last, each.at)) {
        return `${what} was delivered after ${written(last)}`;
      }
      const before = each === "end" ? this.server.last : this.#before.get(what);
      if (each !== "end" && reports.some(({ hasMissed }) => hasMissed)) excused = each.at;
      const isKnown =
        before === undefined || delivered.has(written(before)) || isBefore(before, excused);
      if (!isKnown && !reports.some(({ hasMissed }) => hasMissed)) {
        return `${written(before)} before ${what} was missed, and not reported`;
      }
      const isAlarm = reports.some(({ hasMissed }) => hasMissed);
      if (
        isAlarm &&
        !mayReportTooMuch &&
        (before === undefined || delivered.has(written(before)))
      ) {
        return `nothing was missed before ${what}, though it was reported`;
      }
      const isNext = before === last || (before && last && written(before) === written(last));
      if (!isNext && reports.length === 0) return `what was before ${what} was taken back silently`;
      if (each === "end") break;
      delivered.add(what);
      last = each.at;
      reports = [];
    }
    const { state, server } = this;
    if (state.name !== "following") return `it is ${state.name} in the end`;
    if (written(state.cursor) !== written(server.head)) {
      return `it is at ${written(state.cursor)}, not at the head ${written(server.head)}`;
    }
    return undefined;
  }

  /** Above all that were there before, also of servers that are gone. */
  #newGeneration(): void {
    this.#generations += 10;
    this.server.beginGeneration(this.#generations);
  }
}
