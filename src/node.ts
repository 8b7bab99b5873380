/** A node: builds the rooms, opens their doors to one another, starts them in order and stops them. */
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Chat } from "./chat/chat.js";
import type { Name } from "./chat/names.js";
import type { Head } from "./cluster/ports.js";
import { Election } from "./cluster/election.js";
import { Heartbeat } from "./cluster/heartbeat.js";
import { sweep } from "./cluster/sweep.js";
import { redisSettings } from "./config/access.js";
import { listenMistake, stallMs, stepDownMs, type Config } from "./config.js";
import { IdleTracker } from "./gateway/idle-tracker.js";
import { IsolationMonitor } from "./gateway/isolation-monitor.js";
import { Audit } from "./gateway/audit.js";
import { NameContests } from "./gateway/name-contests.js";
import { EventLog } from "./gateway/event-log.js";
import { Hub } from "./gateway/hub.js";
import { SignOutQueue } from "./gateway/sign-out-queue.js";
import { Evictor } from "./gateway/evictor.js";
import { Peers, placesOf } from "./gateway/peers.js";
import { Presence } from "./gateway/presence.js";
import { Gateway } from "./gateway/server.js";
import { readStaticSite } from "./gateway/static-site.js";
import { serveMetrics } from "./metrics.js";
import type { Observe } from "./observe.js";
import { RedisConversationStore } from "./redis/conversation-store.js";
import { certificateEnd, checkRedis, connectRedis, giveUp, untilReady } from "./redis/connect.js";
import { RedisFeed } from "./redis/feed/feed.js";
import { ALL_BUCKETS, BUCKETS, Keys } from "./redis/keys.js";
import { RedisLeases } from "./redis/lease.js";
import { FunctionLibrary, readFunctionSource } from "./redis/function-library.js";
import { Replication } from "./redis/replication.js";
import { retrying } from "./redis/retry.js";
import { RedisUserStore } from "./redis/user-store.js";
import { readVersion } from "./version.js";
import { bytesFromName } from "./wire/bytes.js";
import { classicDialect } from "./wire/classic.js";
import { wsProtocolDialect } from "./wire/ws-protocol.js";

export interface Node {
  readonly port: number;
  readonly metricsPort: number | undefined;
  readonly incarnation: string;
  readonly isLeading: boolean;
  /**
   * Drains: not ready, waits, takes nobody in, resigns, lets everybody leave over the window; then
   * gives all leases back, and ends when it has really ended. `hurry` cuts the waits short.
   */
  close(hurry?: AbortSignal): Promise<void>;
}

/** Starts a node on a running Redis; waits for Redis as long as it takes. */
export async function startNode(
  config: Config & { REDIS_URL: string },
  observe: Observe,
): Promise<Node> {
  const settings = redisSettings(config);
  const commands = connectRedis(settings, "command", observe.log);
  const duty = connectRedis(settings, "duty", observe.log);
  const subscriber = connectRedis(settings, "subscriber", observe.log);
  // WAIT blocks its connection, so nothing else may have to wait on that one
  const isReplicated = config.ACK_LEVEL === "replicated";
  const writer = isReplicated ? connectRedis(settings, "writer", observe.log) : commands;
  await Promise.all([...new Set([commands, duty, writer])].map(untilReady));
  const version = await checkRedis(commands, observe.log).catch((error: unknown) => {
    for (const redis of [commands, duty, writer]) giveUp(redis);
    throw error;
  });

  const keys = new Keys(config.REDIS_PREFIX);
  const [library, release] = await Promise.all([readFunctionSource(), readVersion()]);
  observe.counters.buildInfo.set({ version: release, ledger: library.version }, 1);
  const feed = new RedisFeed(subscriber, commands, keys, inRoom(observe, "feed"));
  const ledger = new FunctionLibrary(commands, library, inRoom(observe, "ledger"), feed.seen);
  // a Redis that is busy starting is waited for, as one that is not there yet
  await retrying(STARTING_WITHIN_MS, () => ledger.load());
  const leases = new RedisLeases(ledger.on(duty), keys, {
    leaseMs: config.LEASE_MS,
    stallMs: stallMs(config),
    idleAfterMs: config.IDLE_AFTER_MS,
  });
  const heartbeat = new Heartbeat(
    leases,
    { beatMs: config.BEAT_MS, leaseMs: config.LEASE_MS },
    inRoom(observe, "heartbeat"),
  );
  const storeSettings = {
    historyKeep: config.HISTORY_KEEP,
    historyMaxAgeMs: config.HISTORY_MAX_AGE_MS,
    deadlineMs: config.OPERATION_DEADLINE_MS,
    stallMs: stallMs(config),
  };
  const writing = {
    ledger: isReplicated ? ledger.on(writer) : ledger,
    replication: isReplicated ? new Replication(writer, config.ACK_REPLICAS) : undefined,
  };
  const storeRoom = inRoom(observe, "store");
  const store = new RedisUserStore(ledger, writing, keys, heartbeat, storeSettings, storeRoom);
  const election = new Election(
    leases,
    heartbeat,
    { renewMs: config.ELECTION_MS, stepDownMs: stepDownMs(config) },
    inRoom(observe, "election"),
  );

  const archive = new RedisConversationStore(ledger, keys, storeSettings);
  const chat = new Chat(store, archive, {
    allowsName: namePattern(config.NAME_PATTERN),
    pageSize: 255,
    newMessageId: () => randomBytes(12).toString("base64url"),
  });
  const hub = new Hub(observe.counters);
  const presence = new Presence(
    { windowMs: 250, fullUpTo: config.PRESENCE_FULL_UP_TO },
    { chat, hub, log: observe.log.child({ room: "presence" }) },
  );
  const activity = new IdleTracker(chat, observe.log.child({ room: "activity" }));
  const leavers = new SignOutQueue(chat, observe.log.child({ room: "leavers" }));
  const audit = new Audit(store, BUCKETS, hub, leavers);
  const { log } = inRoom(observe, "contests");
  const contests = new NameContests({ chat, hub, leavers, audit, log });
  const classicOptions = {
    generalOrigin: config.GENERAL_ORIGIN,
    showsAddress: config.CLASSIC_ADDRESSES === "shown",
    replyMaxBytes: config.CLASSIC_REPLY_MAX_BYTES,
  };
  const wsProtocol = wsProtocolDialect(classicOptions);
  const names = { how: config.LOG_NAMES, key: config.LOG_NAMES_KEY };
  const events = new EventLog(inRoom(observe, "gateway"), names);
  const id = randomBytes(9).toString("base64url");
  let isOpen = false;
  const isReady = (): boolean =>
    isOpen && heartbeat.isMember && commands.status === "ready" && feed.isHearing;
  const gateway = new Gateway(
    {
      host: config.HOST,
      port: config.PORT,
      maxFrameBytes: config.MAX_FRAME_BYTES,
      maxConnections: config.MAX_CONNECTIONS,
      mustAwaitStore: isReplicated,
      keepsAddresses: classicOptions.showsAddress,
      json: {
        node: config.NODE_NAME,
        textMaxChars: config.TEXT_MAX_CHARS,
        maxFrameBytes: config.MAX_FRAME_BYTES,
        requestsPerSecond: config.REQUESTS_PER_SECOND,
      },
      sendQueue: { maxBytes: config.QUEUE_MAX_BYTES, maxStallMs: config.QUEUE_STALL_MS },
    },
    {
      chat,
      hub,
      presence,
      observe: inRoom(observe, "gateway"),
      events,
      dialects: { classic: classicDialect(classicOptions, wsProtocol), wsProtocol },
      onActive: (session, kind) => activity.note(session, kind),
      onStatus: (session) => activity.forget(session),
      mayBeFree: (name) => contests.mayBeFree(name),
      onLeft: ({ nameClaim, isLingering }) =>
        leavers.signOut(
          nameClaim,
          isLingering && nameClaim.isClaimed ? config.PRESENCE_LINGER_MS : 0,
        ),
      isReady,
      id,
      nowMs: () => heartbeat.clock.nowMs,
      site: await readStaticSite(WEB),
    },
  );

  observe.counters.certificateEnd.read = () => certificateEnd(commands);
  observe.counters.queuedBytes.read = () => gateway.queuedBytes;
  observe.counters.ready.read = () => (isReady() && gateway.isOpen ? 1 : 0);

  const letGo = new Evictor(gateway.sessions, observe.counters);
  const reclaim = async (mayBeOlder: boolean): Promise<void> => {
    if (mayBeOlder) audit.doubt();
    await hub.reclaim(mayBeOlder);
    await feed.catchUp();
  };
  const onHeads = (heads: readonly Head[]): void => {
    for (const { bucket, head } of heads) feed.compare(bucket, head);
    observe.counters.feedLag.set(feed.lag);
    feed.probe();
    writing.replication?.look().catch((error: unknown) => {
      observe.log.warn({ err: error }, "replicas could not be counted");
    });
    void activity.flush();
    audit.next().catch((error: unknown) => observe.log.warn({ err: error }, "audit failed"));
  };

  let closing: Promise<void> | undefined;
  await retrying(STARTING_WITHIN_MS, () => heartbeat.start({ onHeads, onRejoin: reclaim }));
  await feed.start((notice) => {
    // woken up after its lease: the names may be others' by now, and so may be what is told
    if (heartbeat.isOverdue) hub.suspend();
    if (notice.type === "presence") {
      presence.hear(notice);
      if (notice.cause === "lost" && election.token !== undefined) {
        events.signedOut(notice.user.name);
      }
    }
    if (notice.type === "gap") presence.reload(notice.bucket);
    hub.deliver(notice);
    if (notice.type === "gap") letGo.withHoles();
    contests.hear(notice);
  });
  await presence.load(ALL_BUCKETS);
  election.start((token) => sweep(leases, token, inRoom(observe, "sweep")));
  const { HOST: host, METRICS_PORT: metricsPort } = config;
  const metrics =
    metricsPort === 0
      ? undefined
      : await serveMetrics({ host, port: metricsPort }, observe).catch((error: unknown) => {
          throw listenMistake(error, "METRICS_PORT", config);
        });
  const port = await gateway.listen().catch((error: unknown) => {
    metrics?.close();
    throw listenMistake(error, "PORT", config);
  });
  isOpen = true;
  const servesOrStops = (): boolean => isReady() || !gateway.isOpen;
  const aloneWatch =
    config.PEERS &&
    new IsolationMonitor({
      peers: new Peers(placesOf(config.PEERS), id),
      log: observe.log.child({ room: "alone" }),
      isReady: servesOrStops,
      sessions: () => letGo.remaining,
      letGo: () => letGo.whileAlone(servesOrStops),
    });
  const versions = { version: release, redis: version, ledger: library.version };
  observe.log.info({ event: "node_ready", port, ...versions }, "node is ready");

  const close = async (hurry: AbortSignal): Promise<void> => {
    observe.log.info({ sessions: hub.sessions.size }, "node is stopping");
    if (aloneWatch) aloneWatch.close();
    gateway.announceDrain();
    await pause(config.DRAIN_WAIT_MS, undefined, { signal: hurry }).catch(() => {});
    const drained = gateway.drain({
      windowMs: config.DRAIN_WINDOW_MS,
      graceMs: config.STOP_WITHIN_MS / 5,
      withinMs: config.STOP_WITHIN_MS / 4,
      hurry,
    });
    await ignoring(observe, () => election.close());
    await drained;
    isOpen = false;
    const late = setTimeout(() => observe.log.warn("node is slow to stop"), config.STOP_WITHIN_MS);
    await gateway.close(config.STOP_WITHIN_MS / 4);
    await leavers.close(config.STOP_WITHIN_MS / 4);
    await ignoring(observe, () => heartbeat.close());
    presence.close();
    await feed.close();
    metrics?.close();
    for (const redis of [commands, duty, writer]) giveUp(redis);
    clearTimeout(late);
    observe.log.info("node has stopped");
  };
  return {
    port,
    metricsPort: (metrics?.address() as AddressInfo | undefined)?.port,
    get incarnation() {
      return heartbeat.incarnation;
    },
    get isLeading() {
      return election.token !== undefined;
    },
    close: (hurry = new AbortController().signal) => (closing ??= close(hurry)),
  };
}

/** Where the build puts the page for browsers. */
const WEB = fileURLToPath(new URL("./web/", import.meta.url));

const STARTING_WITHIN_MS = 30_000;

function inRoom(observe: Observe, room: string): Observe {
  return { ...observe, log: observe.log.child({ room }) };
}

function namePattern(source: string | undefined): (name: Name) => boolean {
  if (source === undefined) return () => true;
  const pattern = new RegExp(source, "u");
  return (name) => pattern.test(Buffer.from(bytesFromName(name)).toString("utf8"));
}

/** A lease that cannot be given back ends by itself. */
async function ignoring({ log }: Observe, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    log.warn({ err: error }, "lease could not be given back");
  }
}
