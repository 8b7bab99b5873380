/**
 * The feed: follows the logs of all buckets. Pub/sub is only the hurry; the log is the truth, so
 * whatever a subscription loses is read from there.
 *
 * Subscribe first, read second. An event at or below the cursor is dropped; the next one is
 * delivered; anything else starts a fill, which reads the log from the cursor on until it has
 * passed the newest position heard of. Events heard during a fill need not be kept: the log has them.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { isBefore, type Notice, type Position } from "../chat/model.js";
import type { Feed } from "../chat/ports.js";
import type { Observe } from "../observe.js";
import { decodeEvent, decodeMoment, isMoment, positionOf } from "./events.js";
import { giveUp, untilReady } from "./connect.js";
import { Bucket, NOWHERE, follows, isNext } from "./feed-cursor.js";
import { ALL_BUCKETS, type Keys } from "./keys.js";
import { Probe } from "./probe.js";
import { retrying } from "./retry.js";

const PAGE = 500;
/** A Redis that is slow is waited for. */
const STARTS_WITHIN_MS = 30_000;
/** At the start, the first probe is waited for; if it does not come, the beats go on trying. */
const PROVEN_WITHIN_MS = 1_000;

export class RedisFeed implements Feed {
  readonly #subscriber: Redis;
  readonly #commands: Redis;
  readonly #keys: Keys;
  readonly #observe: Observe;
  readonly #buckets: Bucket[];
  readonly #byChannel: ReadonlyMap<string, Bucket>;
  readonly #probe: Probe;
  readonly #probeChannel: string;
  #deliver: (notice: Notice) => void = () => {};
  #state: "new" | "following" | "closed" = "new";
  #isReplacing = false;

  constructor(subscriber: Redis, commands: Redis, keys: Keys, observe: Observe) {
    this.#subscriber = subscriber;
    this.#commands = commands;
    this.#keys = keys;
    this.#observe = observe;
    this.#buckets = ALL_BUCKETS.map((index) => new Bucket(index, keys.log(index)));
    this.#byChannel = new Map(this.#buckets.map((bucket) => [bucket.log, bucket]));
    this.#probeChannel = keys.probe(randomBytes(9).toString("base64url"));
    this.#probe = new Probe(
      (number) => commands.publish(this.#probeChannel, number),
      (seconds) => observe.counters.feedRoundTrip.observe(seconds),
    );
  }

  /** Follows from the heads of this moment on. */
  async start(deliver: (notice: Notice) => void): Promise<void> {
    this.#deliver = deliver;
    this.#subscriber.on("messageBuffer", (channel: Buffer, event: Buffer) => {
      const name = channel.toString("latin1");
      const bucket = this.#byChannel.get(name);
      if (bucket) this.#hear(bucket, event);
      else if (name === this.#probeChannel) this.#probe.hear(Number(event));
    });
    await untilReady(this.#subscriber);
    await retrying(STARTS_WITHIN_MS, () => this.#subscribe());
    const begin = (bucket: Bucket): Promise<void> => this.#beginAtHead(bucket);
    const begun = this.#buckets.map((bucket) => retrying(STARTS_WITHIN_MS, () => begin(bucket)));
    await Promise.all(begun);
    this.#state = "following";
    // every later connection is a new subscription, and may have missed anything
    this.#subscriber.on("ready", () => void this.#resubscribe());
    const proven = this.#probe.untilHeard();
    this.probe();
    await Promise.race([proven, pause(PROVEN_WITHIN_MS)]);
  }

  /** Whether the subscription is there, and has lately proved that it tells what is published. */
  get isHearing(): boolean {
    return this.#isSubscribed && this.#probe.isProven;
  }

  /** Events up to the heads of the last comparison that were not delivered; unknown across generations. */
  get lag(): number {
    return this.#buckets.reduce((sum, { cursor, expected = cursor }) => {
      return sum + (expected.g === cursor.g ? Math.max(expected.n - cursor.n, 0) : 0);
    }, 0);
  }

  /** Proves the way through Redis and back; to be called each beat. A deaf subscription is replaced. */
  probe(): void {
    if (this.#isSubscribed && this.#probe.isDeaf) {
      this.#observe.log.warn("subscription is deaf, connecting again");
      this.#replaceSubscription();
    }
    this.#probe.send().catch((error: unknown) => {
      this.#observe.log.warn({ err: error }, "probe could not be sent");
    });
  }

  get #isSubscribed(): boolean {
    return this.#state === "following" && this.#subscriber.status === "ready" && !this.#isReplacing;
  }

  async catchUp(): Promise<void> {
    const reads = this.#buckets.map(async (bucket) => {
      await bucket.filling; // one that is under way may have read before this moment
      await this.#fill(bucket);
    });
    await Promise.all(reads);
  }

  /**
   * Takes a head that was read elsewhere. A subscription that has not told of the last one yet is
   * filled for; the second time in a row, it is replaced.
   */
  compare(index: number, head: Position): void {
    const bucket = this.#buckets[index]!;
    if (this.#state !== "following") return;
    const { expected = NOWHERE } = bucket;
    const isSilent = isBefore(bucket.heard, expected);
    const isBehind = isBefore(bucket.cursor, expected); // a fill that failed, perhaps
    const hasHoleByRestart = head.g !== bucket.cursor.g;
    bucket.expected = head;
    if (!isSilent) bucket.silences = 0;
    if (!isSilent && !isBehind && !hasHoleByRestart) return;
    if (isSilent && ++bucket.silences >= 2 && this.#isSubscribed) {
      this.#observe.log.warn({ bucket: index }, "subscription is silent, connecting again");
      this.#replaceSubscription();
    }
    void this.#fill(bucket);
  }

  async close(): Promise<void> {
    this.#state = "closed";
    giveUp(this.#subscriber);
    await Promise.all(this.#buckets.flatMap(({ filling }) => filling ?? []));
  }

  #hear(bucket: Bucket, event: Buffer): void {
    if (isMoment(event)) return this.#passOn(bucket, () => decodeMoment(event));
    const at = positionOf(event);
    if (isBefore(bucket.heard, at)) bucket.heard = at;
    if (bucket.cursor === NOWHERE) return;
    if (bucket.filling === undefined && isNext(at, bucket.cursor)) this.#pass(bucket, event, at);
    else if (isBefore(bucket.cursor, at)) void this.#fill(bucket);
  }

  #pass(bucket: Bucket, event: Buffer, at: Position): void {
    bucket.cursor = at;
    this.#passOn(bucket, () => decodeEvent(event));
  }

  #passOn(bucket: Bucket, decoded: () => Notice): void {
    try {
      this.#deliver(decoded());
    } catch (error) {
      const { index, cursor } = bucket;
      this.#observe.log.error(
        { err: error, bucket: index, at: cursor },
        "event could not be delivered",
      );
    }
  }

  #fill(bucket: Bucket): Promise<void> {
    bucket.filling ??= this.#readLog(bucket)
      .catch((error: unknown) => {
        // the next event, head or connection tries again
        this.#observe.log.warn({ err: error, bucket: bucket.index }, "log could not be read");
      })
      .finally(() => (bucket.filling = undefined));
    return bucket.filling;
  }

  /** Reads from the cursor on, the cursor's own event included: it proves that nothing lies between. */
  async #readLog(bucket: Bucket): Promise<void> {
    const start = bucket.cursor;
    let passed = 0;
    let head: Position | undefined;
    for (let isBehind = true; isBehind && this.#state !== "closed";) {
      const { cursor: from, heard } = bucket;
      head = bucket.expected; // as known before the reading: what is read then goes up to it
      let page = await this.#readPage(bucket, from);
      if (!follows(page[0]?.at, from)) {
        head = await this.#reportHole(bucket);
        page = await this.#readPage(bucket, from);
        // the head was known before, so whatever lies below it and was not read is gone
        if (page.length === 0 && isBefore(from, head)) bucket.cursor = head;
      }
      const fresh = page.filter(({ at }) => isBefore(from, at));
      for (const { event, at } of fresh) this.#pass(bucket, event, at);
      passed += fresh.length;
      const hasNews = fresh.length > 0 || isBefore(heard, bucket.heard);
      isBehind = page.length === PAGE || (hasNews && isBefore(bucket.cursor, bucket.heard));
    }
    this.#enterGeneration(bucket, head?.g ?? 0);
    if (passed === 0) return;
    this.#observe.counters.gapsFilled.inc();
    this.#observe.counters.eventsFilled.inc(passed);
    this.#observe.log.info(
      { bucket: bucket.index, after: start, events: passed },
      "gap filled from the log",
    );
  }

  async #readPage(bucket: Bucket, from: Position): Promise<{ event: Buffer; at: Position }[]> {
    const start = `${from.g}-${from.n}`;
    const entries = await this.#commands.xrangeBuffer(bucket.log, start, "+", "COUNT", PAGE);
    return entries.map(([, fields]) => ({ event: fields[1]!, at: positionOf(fields[1]!) }));
  }

  /** The cursor's event is not in the log: what came behind it was trimmed, or the log was rolled back. */
  async #reportHole(bucket: Bucket): Promise<Position> {
    const after = bucket.cursor;
    const [oldest] = await this.#commands.xrangeBuffer(bucket.log, "-", "+", "COUNT", 1);
    const isTrimmed = oldest !== undefined && isBefore(after, positionOf(oldest[1][1]!));
    const reason = isTrimmed ? "trimmed" : "rolled_back";
    const head = await this.#readHead(bucket);
    // a log that begins at or before the cursor has all that came after what was rolled back
    const hasMissed = isTrimmed || (oldest === undefined && head.n > 0);
    this.#observe.counters.holes.inc({ reason });
    this.#observe.log.warn(
      { bucket: bucket.index, after, reason, hasMissed },
      "events are missing from the log",
    );
    this.#deliver({ type: "gap", bucket: bucket.index, after, reason, hasMissed });
    return head;
  }

  /** All of the log was read, and a newer generation has begun: its first event is the next one. */
  #enterGeneration(bucket: Bucket, g: number): void {
    const beginning = { g, n: 0 };
    if (isBefore(bucket.cursor, beginning)) bucket.cursor = beginning;
    if (isBefore(bucket.heard, beginning)) bucket.heard = beginning;
  }

  async #beginAtHead(bucket: Bucket): Promise<void> {
    bucket.cursor = await this.#readHead(bucket);
    if (isBefore(bucket.cursor, bucket.heard)) await this.#fill(bucket);
    else bucket.heard = bucket.cursor;
  }

  async #readHead(bucket: Bucket): Promise<Position> {
    const [g, n] = await this.#commands.hmget(this.#keys.meta(bucket.index), "g", "n");
    return { g: Number(g ?? 0), n: Number(n ?? 0) };
  }

  async #subscribe(): Promise<void> {
    await this.#subscriber.subscribe(...this.#byChannel.keys(), this.#probeChannel);
    this.#probe.begin();
  }

  async #resubscribe(): Promise<void> {
    try {
      this.#isReplacing = false;
      await this.#subscribe();
      this.#observe.counters.resubscriptions.inc();
      this.probe();
      await this.catchUp();
      // what came before this subscription cannot be heard by it
      for (const bucket of this.#buckets) {
        if (isBefore(bucket.heard, bucket.cursor)) bucket.heard = bucket.cursor;
      }
    } catch (error) {
      this.#observe.log.warn({ err: error }, "could not subscribe again");
      this.#replaceSubscription();
    }
  }

  /** While it is connecting anyway, to disconnect would end it for good. */
  #replaceSubscription(): void {
    for (const bucket of this.#buckets) bucket.silences = 0;
    if (this.#subscriber.status !== "ready") return;
    this.#isReplacing = true;
    this.#subscriber.disconnect(true);
  }
}
