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
import { isBefore, type Notice, type Position } from "../../chat/events.js";
import type { Feed } from "../../chat/ports.js";
import type { Observe } from "../../observe.js";
import { decodeEvent, decodeEphemeral, isEphemeral, positionOf } from "../events.js";
import { giveUp, untilReady } from "../connect.js";
import { BucketCursor, NOWHERE, follows, isNext } from "./bucket-cursor.js";
import { Holes } from "./holes.js";
import { ALL_BUCKETS, type Keys } from "../keys.js";
import { SeenBuckets, isLoss, readLineage, type Lineage } from "./lineage.js";
import { Probe } from "./probe.js";
import { retrying } from "../retry.js";

const PAGE = 500;
/** A Redis that is slow is waited for. */
const STARTS_WITHIN_MS = 30_000;
/** At the start, the first probe is waited for; if it does not come, the beats go on trying. */
const PROVEN_WITHIN_MS = 1_000;

export class RedisFeed implements Feed {
  /** What is known to have been there. */
  readonly seen: SeenBuckets;
  readonly #subscriber: Redis;
  readonly #commands: Redis;
  readonly #keys: Keys;
  readonly #observe: Observe;
  readonly #buckets: BucketCursor[];
  readonly #byChannel: ReadonlyMap<string, BucketCursor>;
  readonly #probe: Probe;
  readonly #probeChannel: string;
  readonly #holes: Holes;
  #deliver: (notice: Notice) => void = () => {};
  #state: "new" | "following" | "closed" = "new";
  #isReplacing = false;

  constructor(subscriber: Redis, commands: Redis, keys: Keys, observe: Observe) {
    this.seen = new SeenBuckets(ALL_BUCKETS.map((bucket) => keys.meta(bucket)));
    this.#subscriber = subscriber;
    this.#commands = commands;
    this.#keys = keys;
    this.#observe = observe;
    this.#buckets = ALL_BUCKETS.map(
      (index) => new BucketCursor(index, keys.log(index), this.seen.buckets[index]!),
    );
    this.#byChannel = new Map(this.#buckets.map((bucket) => [bucket.log, bucket]));
    this.#holes = new Holes(observe);
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
    const begin = (bucket: BucketCursor): Promise<void> => this.#beginAtHead(bucket);
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
      if (expected.generation !== cursor.generation) return sum;
      return sum + Math.max(expected.offset - cursor.offset, 0);
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
   * filled for; the second time in a row, it is replaced. Older than what was seen, it is no head to go to.
   */
  compare(index: number, head: Position): void {
    const bucket = this.#buckets[index]!;
    if (this.#state !== "following" || head.generation < bucket.cursor.generation) return;
    bucket.seen.note(head);
    const { expected = NOWHERE } = bucket;
    const isSilent = isBefore(bucket.heard, expected);
    const isBehind = isBefore(bucket.cursor, expected); // a fill that failed, perhaps
    const hasHoleByRestart = head.generation !== bucket.cursor.generation;
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
    this.#holes.close();
  }

  #hear(bucket: BucketCursor, event: Buffer): void {
    if (isEphemeral(event)) return this.#passOn(bucket, () => decodeEphemeral(event));
    const at = positionOf(event);
    bucket.seen.note(at);
    if (isBefore(bucket.heard, at)) bucket.heard = at;
    if (bucket.cursor === NOWHERE) return;
    if (bucket.filling === undefined && isNext(at, bucket.cursor)) this.#pass(bucket, event, at);
    else if (isBefore(bucket.cursor, at)) void this.#fill(bucket);
  }

  #pass(bucket: BucketCursor, event: Buffer, at: Position): void {
    bucket.cursor = at;
    this.#passOn(bucket, () => decodeEvent(event));
  }

  #passOn(bucket: BucketCursor, decoded: () => Notice): void {
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

  #fill(bucket: BucketCursor): Promise<void> {
    bucket.filling ??= this.#readLog(bucket)
      .catch((error: unknown) => {
        // the next event, head or connection tries again
        this.#observe.log.warn({ err: error, bucket: bucket.index }, "log could not be read");
      })
      .finally(() => (bucket.filling = undefined));
    return bucket.filling;
  }

  /** Reads from the cursor on, the cursor's own event included: it proves that nothing lies between. */
  async #readLog(bucket: BucketCursor): Promise<void> {
    const start = bucket.cursor;
    let passed = 0;
    let head: Position | undefined;
    for (let isBehind = true; isBehind && this.#state !== "closed";) {
      const { cursor: from, heard } = bucket;
      head = bucket.expected; // as known before the reading: what is read then goes up to it
      let page = await this.#readPage(bucket, from);
      const isBroken = !follows(page[0]?.at, from);
      const newest = page.at(-1)?.at.generation ?? from.generation;
      if (isBroken || newest > from.generation || (head?.generation ?? 0) > from.generation) {
        const { known } = bucket.seen;
        const lineage = await this.#readLineage(bucket);
        if (isBefore(lineage.head, known.newest)) return; // older: the beats will end that
        const found = bucket.seen.meet(lineage, known);
        if (isBroken || isLoss(found)) {
          head = lineage.head;
          page = await this.#readPage(bucket, from);
          const first = page.find(({ at }) => isBefore(from, at))?.at;
          const oldest = await this.#readOldest(bucket);
          const { index } = bucket;
          const facts = { bucket: index, cursor: from, found, lineage, first, oldest };
          const hole = this.#holes.report(facts);
          this.#deliver({ type: "gap", bucket: index, ...hole });
          // the head was known before, so whatever lies below it and was not read is gone
          if (page.length === 0 && isBefore(from, head)) bucket.cursor = head;
        }
      }
      const fresh = page.filter(({ at }) => isBefore(from, at));
      for (const { event, at } of fresh) {
        bucket.seen.note(at);
        this.#pass(bucket, event, at);
      }
      passed += fresh.length;
      const hasNews = fresh.length > 0 || isBefore(heard, bucket.heard);
      isBehind = page.length === PAGE || (hasNews && isBefore(bucket.cursor, bucket.heard));
    }
    this.#enterGeneration(bucket, head?.generation ?? 0);
    if (passed === 0) return;
    this.#observe.counters.gapsFilled.inc();
    this.#observe.counters.eventsFilled.inc(passed);
    this.#observe.log.info(
      { event: "gap_filled", bucket: bucket.index, after: start, events: passed },
      "gap filled from the log",
    );
  }

  async #readPage(
    bucket: BucketCursor,
    from: Position,
  ): Promise<{ event: Buffer; at: Position }[]> {
    const start = `${from.generation}-${from.offset}`;
    const entries = await this.#commands.xrangeBuffer(bucket.log, start, "+", "COUNT", PAGE);
    return entries.map(([, fields]) => ({ event: fields[1]!, at: positionOf(fields[1]!) }));
  }

  async #readOldest({ log }: BucketCursor): Promise<Position | undefined> {
    const [oldest] = await this.#commands.xrangeBuffer(log, "-", "+", "COUNT", 1);
    return oldest && positionOf(oldest[1][1]!);
  }

  /** All of the log was read, and a newer generation has begun: its first event is the next one. */
  #enterGeneration(bucket: BucketCursor, generation: number): void {
    const beginning = { generation, offset: 0 };
    if (isBefore(bucket.cursor, beginning)) bucket.cursor = beginning;
    if (isBefore(bucket.heard, beginning)) bucket.heard = beginning;
  }

  async #beginAtHead(bucket: BucketCursor): Promise<void> {
    const { known } = bucket.seen;
    const lineage = await this.#readLineage(bucket);
    bucket.seen.meet(lineage, known);
    bucket.cursor = lineage.head;
    if (isBefore(bucket.cursor, bucket.heard)) await this.#fill(bucket);
    else bucket.heard = bucket.cursor;
  }

  async #readLineage({ index }: BucketCursor): Promise<Lineage> {
    return readLineage(await this.#commands.hmget(this.#keys.meta(index), "g", "n", "lineage"));
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
