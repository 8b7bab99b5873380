/** Connections to Redis. The library never sends a command twice, and every command ends. */
import { TLSSocket } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import { Unavailable } from "../chat/ports.js";
import type { Log } from "../observe.js";
import { readAccess, type Access, type AccessSettings } from "./access.js";
import {
  changeOptions,
  isOfAllSentinels,
  onSentinelConnection,
  onUnknownPrimary,
  outliveSocketErrors,
  socketOf,
} from "./library-internals.js";
import { whyPerhaps, whyRefused, type Peer } from "./refusal.js";

const CONNECT_WITHIN_MS = 2_000;
/** A silent peer does not take part in closing the connection. */
const DISCONNECT_WITHIN_MS = 200;
/** A connection that is silent for longer than a command may take, by this, is replaced. */
const SILENT_BEYOND_COMMAND_MS = 500;
/** Between attempts to connect: doubled each time, up to the most, and some at random. */
const [FIRST_WAIT_MS, MOST_WAIT_MS, JITTER_MS] = [25, 400, 100];
/** Before a connection that the library has given up is made again. */
const AGAIN_AFTER_MS = 500;
/** Between rounds through the sentinels: longer each time by this, up to the most. */
const [SENTINEL_STEP_MS, SENTINEL_MOST_WAIT_MS] = [50, 500];

export interface RedisSettings extends AccessSettings {
  /** The settings with the secrets that are in their files now. Called before each connection. */
  again?(this: void): AccessSettings;
  /** A command without an answer within this time fails. Whether it was carried out is unknown. */
  readonly commandTimeoutMs: number;
}

/**
 * A connection that reconnects until {@link giveUp}. Commands fail at once while it is not connected.
 * `role` is its name in `CLIENT LIST` and in the log.
 */
export function connectRedis(
  settings: RedisSettings,
  role: "command" | "duty" | "subscriber" | "writer",
  log: Log,
): Redis {
  const { commandTimeoutMs } = settings;
  const options = {
    lazyConnect: true,
    connectionName: `tertulia-${role}`,
    // CLIENT SETINFO needs a right of its own, and servers before 7.2 do not know it
    disableClientInfo: true,
    connectTimeout: CONNECT_WITHIN_MS,
    disconnectTimeout: DISCONNECT_WITHIN_MS,
    commandTimeout: commandTimeoutMs,
    socketTimeout: commandTimeoutMs + SILENT_BEYOND_COMMAND_MS,
    // a silent sentinel may be on the machine of the primary that froze: the next one is asked
    sentinelCommandTimeout: commandTimeoutMs,
    retryStrategy: (attempt: number) =>
      Math.min(FIRST_WAIT_MS * 2 ** attempt, MOST_WAIT_MS) + Math.random() * JITTER_MS,
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    maxRetriesPerRequest: null,
    // only the caller knows whether a command is idempotent, so only the caller retries
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    autoResubscribe: false,
    enableAutoPipelining: role !== "subscriber",
  };
  const access = readAccess(settings);
  const redis = new Redis({ ...optionsOf(access), ...options } satisfies RedisOptions);
  let wasReached = false;
  const reportFrom = (at: Peer) => (error: Error) => {
    const peer = isOfAllSentinels(error) ? "sentinel" : at;
    const certain = whyRefused(error, peer);
    const why = certain ?? (wasReached ? undefined : whyPerhaps(error, access.address.isTls));
    const level = certain === undefined ? "warn" : "error";
    log[level](
      { event: "redis_connection_failed", role, peer, why, err: error },
      "redis connection failed",
    );
  };
  const readAgain = (): void => {
    try {
      changeOptions(redis, keysOf(readAccess(settings.again?.() ?? settings)));
    } catch (error) {
      log.warn(
        { event: "secrets_not_read", role, err: error },
        "secrets could not be read again, using those of before",
      );
    }
  };
  outliveSocketErrors(redis);
  redis.on("reconnecting", readAgain);
  redis.on("error", reportFrom("redis"));
  listenToSentinels(redis, readAgain, reportFrom("sentinel"));
  reportSilence(redis, reportFrom("redis"));
  redis.on("ready", () => {
    wasReached = true;
    log.info({ event: "redis_connected", role }, "redis connected");
  });
  redis.on("end", () => {
    // in some cases the library gives up; this client does so only in giveUp
    if (givenUp.has(redis)) return;
    readAgain();
    setTimeout(() => {
      if (givenUp.has(redis)) return;
      redis.connect().catch(() => {}); // the library retries; a listener logs the error
    }, AGAIN_AFTER_MS);
  });
  redis.on("close", () =>
    log.debug({ event: "redis_connection_closed", role }, "redis connection closed"),
  );
  return redis;
}

function listenToSentinels(
  redis: Redis,
  readAgain: () => void,
  report: (error: Error) => void,
): void {
  onSentinelConnection(redis, readAgain, (sentinel) => {
    outliveSocketErrors(sentinel);
    sentinel.on("error", report);
    sentinel.on("reconnecting", () => {
      readAgain();
      const { sentinelUsername, sentinelPassword, sentinelTLS } = redis.options;
      const keys = { username: sentinelUsername, password: sentinelPassword, tls: sentinelTLS };
      changeOptions(sentinel, keys);
    });
  });
  onUnknownPrimary(redis, report);
}

/** Reports a hang-up without a word: a server that wants TLS does so, and a proxy that has no server. */
function reportSilence(redis: Redis, report: (error: Error) => void): void {
  let state: "away" | "unanswered" | "answered" = "away";
  redis.on("connect", () => (state = "unanswered"));
  redis.on("ready", () => (state = "answered"));
  redis.on("error", () => (state = "answered")); // or reported already
  redis.on("close", () => {
    const isSilent = state === "unanswered" && !givenUp.has(redis);
    if (isSilent) report(new Error("hung up without an answer"));
    state = "away";
  });
}

/** The address and the credentials as options of ioredis. */
export function optionsOf(access: Access): Omit<RedisOptions, "replyMapping"> {
  const { address } = access;
  const keys = Object.entries(keysOf(access)).filter(([, value]) => value !== undefined);
  if (address.kind === "server") return { ...address.at, ...Object.fromEntries(keys) };
  return {
    name: address.name,
    sentinels: [...address.sentinels],
    ...Object.fromEntries(keys),
    // a frozen primary does not close its connections; Sentinel tells that another one has taken over
    failoverDetector: true,
    sentinelRetryStrategy: (attempt: number) =>
      Math.min(SENTINEL_STEP_MS * attempt, SENTINEL_MOST_WAIT_MS),
  };
}

/** The credentials, which may be rotated while the process runs. The library reads them at each connection. */
function keysOf({ address, tls }: Access) {
  const isSentinel = address.kind === "sentinel";
  return {
    username: address.login.username,
    password: address.login.password,
    tls,
    sentinelUsername: isSentinel ? address.sentinelLogin.username : undefined,
    sentinelPassword: isSentinel ? address.sentinelLogin.password : undefined,
    sentinelTLS: isSentinel ? tls : undefined,
    enableTLSForSentinelMode: isSentinel && tls !== undefined ? true : undefined,
  };
}

const givenUp = new WeakSet<Redis>();

/** Closes the connection for good. */
export function giveUp(redis: Redis): void {
  givenUp.add(redis);
  redis.disconnect();
}

/**
 * When the certificate expires that Redis showed to this connection, in seconds since 1970; 0 without TLS or
 * without a connection. An open connection does not learn of a newer certificate.
 */
export function certificateEnd(redis: Redis): number {
  const socket = socketOf(redis);
  if (!(socket instanceof TLSSocket)) return 0;
  // null once the connection is closed, empty during the handshake
  const certificate = socket.getPeerCertificate() as { valid_to?: string } | null;
  const seconds = Date.parse(certificate?.valid_to ?? "") / 1_000;
  return Number.isFinite(seconds) ? seconds : 0;
}

/**
 * Connects, and waits until it succeeds.
 * @throws Unavailable if it has not succeeded within this time
 */
export async function untilReady(redis: Redis, withinMs?: number): Promise<void> {
  const ready = new Promise<void>((resolve, reject) => {
    const late = (): void => reject(new Unavailable("the store gave no answer in time"));
    const timer = withinMs === undefined ? undefined : setTimeout(late, withinMs).unref();
    redis.once("ready", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  redis.connect().catch(() => {}); // the library retries; a listener logs the error
  await ready;
}

/**
 * Checks what the function library needs: a server that is neither a Cluster's nor a Sentinel, a version with
 * functions, no eviction of keys. Returns the version.
 * @throws Error that says what the URL leads to instead
 */
export async function checkRedis(redis: Redis, log: Log): Promise<string> {
  const about = await redis.info("server");
  const mode = /^(?:redis|server)_mode:(\S+)/m.exec(about)?.[1];
  if (mode === "cluster") {
    throw new Error(
      "REDIS_URL leads to a node of a Redis Cluster, which is not supported yet: " +
        "give a Redis of its own, or one that Sentinel watches",
    );
  }
  if (mode === "sentinel") {
    throw new Error(
      "REDIS_URL leads to a Sentinel: write redis+sentinel://host:26379/name (rediss+sentinel:// with TLS), with the name of its primary",
    );
  }
  const version = /^(?:valkey|redis)_version:(\S+)/m.exec(about)?.[1] ?? "unknown";
  if (Number.parseInt(version, 10) < 7) {
    throw new Error(
      `Redis ${version} has no functions: Tertulia needs Redis 7.0 or later, or Valkey`,
    );
  }
  const replication = await redis.info("replication");
  if (/^role:slave/m.test(replication)) {
    log.warn(
      { event: "redis_is_replica" },
      "redis is a replica, which takes no writes: waiting until it is a primary",
    );
  }
  const memory = await redis.info("memory");
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  if (policy !== undefined && policy !== "noeviction") {
    log.warn(
      { event: "redis_may_evict", policy },
      "redis may evict keys of the chat: set maxmemory-policy noeviction",
    );
  }
  return version;
}
