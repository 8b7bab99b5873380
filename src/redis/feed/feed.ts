/**
 * The feed: follows the logs of all buckets. Pub/sub makes it fast; the log makes it complete: what a subscription
 * loses is read from there. Subscribe first, read second.
 *
 * This is the shell: it turns what happens on the connections into inputs of the state machines
 * (transition.ts for each bucket, subscription.ts), and runs their effects.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { nanoid } from "nanoid";
import type { Notice, Position } from "../../chat/events.js";
import { Damaged, type Feed } from "../../chat/ports.js";
import type { Observe } from "../../observe.js";
import { giveUp, untilReady } from "../connect.js";
import { DamageLog } from "../damage.js";
import type { SeenPositions } from "../function-library.js";
import { ALL_BUCKETS, type Keys } from "../keys.js";
import { retrying } from "../retry.js";
import {
  UNKNOWN,
  isReading,
  lagOf,
  type BucketState,
  type Effect,
  type Input,
} from "./bucket-state.js";
import { Delivery } from "./delivery.js";
import { BucketLog } from "./bucket-log.js";
import { Probe } from "./probe.js";
import { readPublished, type Published } from "./published.js";
import {
  nextSubscription,
  type SubscriptionInput,
  type SubscriptionState,
} from "./subscription.js";
import { transition } from "./transition.js";

/** How long the start may take: Redis may be slow. */
const STARTS_WITHIN_MS = 30_000;
/** What was published and cannot be read makes the node read the log, no more often than this. */
const CHECKS_EACH_MS = 1_000;
/** How long the start waits for the first probe. If it does not come, the beats go on probing. */
const PROVEN_WITHIN_MS = 1_000;

interface Bucket {
  readonly index: number;
  readonly log: BucketLog;
  state: BucketState;
  /** When the log was read last because something damaged was published. */
  checkedAtMs: number;
  /** Callers that wait until no read is under way. */
  waiting: { resolve: () => void; reject: (error: unknown) => void }[];
}

export class RedisFeed implements Feed {
  /** The newest positions that this node knows of. */
  readonly seen: SeenPositions;
  readonly #subscriber: Redis;
  readonly #commands: Redis;
  readonly #observe: Observe;
  readonly #buckets: readonly Bucket[];
  readonly #byChannel: ReadonlyMap<string, Bucket>;
  /** Those whose start failed because what Redis has is damaged; the others serve. */
  readonly #unstarted = new Set<Bucket>();
  readonly #probe = new Probe();
  readonly #probeChannel: string;
  readonly #damage: DamageLog;
  readonly #delivery: Delivery;
  /** Ends what a start still tries. */
  readonly #closing = new AbortController();
  #subscription: SubscriptionState = "new";
  #onProven: () => void = () => {};

  constructor(subscriber: Redis, commands: Redis, keys: Keys, observe: Observe) {
    this.#subscriber = subscriber;
    this.#commands = commands;
    this.#observe = observe;
    this.#damage = new DamageLog(observe);
    this.#delivery = new Delivery(observe, this.#damage);
    this.#buckets = ALL_BUCKETS.map((index) => {
      const log = new BucketLog(commands, keys.log(index), keys.meta(index), this.#damage);
      return { index, log, state: UNKNOWN, checkedAtMs: -Infinity, waiting: [] };
    });
    this.#byChannel = new Map(this.#buckets.map((bucket) => [keys.log(bucket.index), bucket]));
    this.#probeChannel = keys.probe(nanoid(12));
    const byMeta = new Map(this.#buckets.map((bucket) => [keys.meta(bucket.index), bucket]));
    this.seen = { newestIn: (meta) => byMeta.get(meta)!.state.seen.newest };
  }

  /** Delivers the events from the heads of this moment on. */
  async start(deliver: (notice: Notice) => void): Promise<void> {
    this.#delivery.to = deliver;
    this.#subscriber.on("messageBuffer", (channel: Buffer, bytes: Buffer) => {
      const name = channel.toString("latin1");
      const bucket = this.#byChannel.get(name);
      if (bucket) this.#hear(bucket, bytes);
      else if (name === this.#probeChannel) this.#hearProbe(Number(bytes));
    });
    await untilReady(this.#subscriber, STARTS_WITHIN_MS);
    const { signal } = this.#closing;
    await retrying(STARTS_WITHIN_MS, () => this.#subscribe(), signal);
    this.#enterSubscription("subscribed");
    this.#subscriber.on("close", () => this.#enterSubscription("lost"));
    // every later connection needs a new subscription
    this.#subscriber.on("ready", () => this.#enterSubscription("connected"));
    const start = (bucket: Bucket): Promise<void> => this.#untilRead(bucket, { type: "start" });
    const startAll = this.#buckets.map((bucket) =>
      retrying(STARTS_WITHIN_MS, () => start(bucket), signal).catch((error: unknown) => {
        if (!(error instanceof Damaged)) throw error;
        this.#unstarted.add(bucket);
      }),
    );
    await Promise.all(startAll);
    const proven = new Promise<void>((resolve) => (this.#onProven = resolve));
    this.probe();
    await Promise.race([proven, pause(PROVEN_WITHIN_MS, undefined, { signal })]);
  }

  /** Whether the subscription stands, and has lately proved that it delivers what is published. */
  get isHearing(): boolean {
    return this.#subscription === "subscribed" && this.#probe.isProven;
  }

  /** The number of undelivered events up to the heads of the last comparison. */
  get lag(): number {
    return this.#buckets.reduce((sum, { state }) => sum + lagOf(state), 0);
  }

  /** Sends a probe through Redis and back. To be called each beat. Replaces a deaf subscription. */
  probe(): void {
    if (this.#probe.isDeaf && this.#enterSubscription("unheard")) {
      this.#observe.log.warn(
        { event: "subscription_deaf" },
        "subscription is deaf, connecting again",
      );
    }
    const number = this.#probe.next(performance.now());
    this.#commands.publish(this.#probeChannel, String(number)).then(
      () => this.#probe.take(number),
      (error: unknown) =>
        this.#observe.log.warn({ event: "probe_failed", err: error }, "probe could not be sent"),
    );
  }

  /** Reads all that is in the logs by now. Also ends when that fails: the beats try again. */
  async catchUp(): Promise<void> {
    await Promise.all(this.#buckets.map((bucket) => this.#untilRead(bucket, { type: "catchUp" })));
  }

  /** Compares with a head that was read elsewhere. To be called each beat. */
  compare(index: number, head: Position): void {
    const bucket = this.#buckets[index]!;
    // its head can be read again
    if (this.#unstarted.delete(bucket)) this.#enter(bucket, { type: "start" });
    this.#enter(bucket, { type: "compared", head });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#enterSubscription("close");
    giveUp(this.#subscriber);
    await Promise.all(this.#buckets.map((bucket) => this.#untilRead(bucket, { type: "close" })));
    this.#delivery.close();
  }

  #hear(bucket: Bucket, bytes: Buffer): void {
    let published: Published;
    try {
      published = readPublished(bytes, bucket.state.seen.newest);
    } catch (error) {
      return this.#hearDamaged(bucket, error);
    }
    if (published.kind === "ephemeral") return this.#delivery.pass(bucket.index, published.notice);
    for (const { at, notice } of published.events) {
      this.#enter(bucket, { type: "heard", at }, notice);
    }
  }

  /** The log has what it should have been, if anything. */
  #hearDamaged(bucket: Bucket, error: unknown): void {
    this.#damage.found("channel", { bucket: bucket.index }, error);
    const nowMs = performance.now();
    if (nowMs - bucket.checkedAtMs < CHECKS_EACH_MS) return; // the beats compare
    bucket.checkedAtMs = nowMs;
    this.#enter(bucket, { type: "catchUp" });
  }

  #hearProbe(number: number): void {
    if (!this.#probe.isSent(number)) return;
    const tookMs = this.#probe.hear(number, performance.now());
    if (tookMs !== undefined) this.#observe.counters.feedRoundTrip.observe(tookMs / 1_000);
    this.#onProven();
  }

  /** `heard`: what the event says, if that is the input. */
  #enter(bucket: Bucket, input: Input, heard?: Notice): void {
    const { state, effects } = transition(bucket.state, input);
    bucket.state = state;
    for (const effect of effects) this.#run(bucket, effect, heard);
    if (bucket.waiting.length === 0 || isReading(bucket.state)) return;
    for (const { resolve } of bucket.waiting.splice(0)) resolve();
  }

  #run(bucket: Bucket, effect: Effect, heard: Notice | undefined): void {
    const { log } = this.#observe;
    const { index } = bucket;
    switch (effect.type) {
      case "deliverHeard":
        return this.#delivery.pass(index, heard);
      case "deliverRead":
        return this.#delivery.passRead(index, effect.events);
      case "report":
        return this.#delivery.report(index, effect.hole, effect.found);
      case "read":
        return void this.#read(bucket, effect);
      case "replaceSubscription":
        if (this.#enterSubscription("unheard")) {
          log.warn(
            { event: "subscription_silent", bucket: index },
            "subscription is silent, connecting again",
          );
        }
        return;
      case "filled":
        return this.#delivery.filled(index, effect);
      case "fillFailed":
        log.warn(
          { event: "log_read_failed", err: effect.error, bucket: index },
          "log could not be read",
        );
        return;
      case "startFailed":
        if (bucket.waiting.length === 0) this.#unstarted.add(bucket);
        for (const { reject } of bucket.waiting.splice(0)) reject(effect.error);
        return;
      default:
        effect satisfies never;
    }
  }

  async #read(bucket: Bucket, effect: Extract<Effect, { type: "read" }>): Promise<void> {
    const answer = await bucket.log
      .read(effect)
      .catch((error: unknown) => ({ type: "readFailed", error }) as const);
    this.#enter(bucket, answer);
  }

  /** Ends when no read is under way any more. @throws the error of the start, if that fails */
  #untilRead(bucket: Bucket, input: Input): Promise<void> {
    this.#enter(bucket, input);
    if (!isReading(bucket.state)) return Promise.resolve();
    return new Promise((resolve, reject) => bucket.waiting.push({ resolve, reject }));
  }

  async #subscribe(): Promise<void> {
    await this.#subscriber.subscribe(...this.#byChannel.keys(), this.#probeChannel);
    this.#probe.resubscribed();
  }

  /** Returns whether the connection was given up for another one. */
  #enterSubscription(input: SubscriptionInput): boolean {
    const [next, effect] = nextSubscription(this.#subscription, input);
    this.#subscription = next;
    switch (effect) {
      case "subscribe":
        void this.#resubscribe();
        return false;
      case "reconnect":
        for (const bucket of this.#buckets) this.#enter(bucket, { type: "replaced" });
        // during a reconnection, disconnect would end it for good
        if (this.#subscriber.status === "ready") this.#subscriber.disconnect(true);
        return true;
      case "resume":
        this.#observe.counters.resubscriptions.inc();
        this.probe();
        for (const bucket of this.#buckets) this.#enter(bucket, { type: "resubscribed" });
        return false;
      case "none":
        return false;
      default:
        return effect satisfies never;
    }
  }

  async #resubscribe(): Promise<void> {
    try {
      await this.#subscribe();
    } catch (error) {
      this.#observe.log.warn(
        { event: "resubscription_failed", err: error },
        "could not subscribe again",
      );
      this.#enterSubscription("refused");
      return;
    }
    this.#enterSubscription("subscribed");
  }
}
