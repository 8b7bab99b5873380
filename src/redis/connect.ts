/** Connections to Redis: never a command sent twice by the library, never a promise left hanging. */
import { TLSSocket } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import type { Log } from "../observe.js";
import { readAccess, type Access, type AccessSettings } from "./access.js";
import {
  changeOptions,
  isOfAllSentinels,
  onSentinelConnection,
  onUnknownPrimary,
} from "./library-internals.js";
import { whyPerhaps, whyRefused, type Peer } from "./refusal.js";

export interface RedisSettings extends AccessSettings {
  /** The same, with secrets as they are in their files by then: asked before each connection. */
  again?(this: void): AccessSettings;
  /** A command without an answer for this long fails; whether it was carried out stays unknown. */
  readonly commandTimeoutMs: number;
}

/**
 * A connection that reconnects for ever, until {@link giveUp}. Commands fail at once while it is
 * away. `role` names it in `CLIENT LIST` and in the log.
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
    // a command less to have the right to, and servers before 7.2 do not know it
    disableClientInfo: true,
    connectTimeout: 2_000,
    // a connection that is given up for its silence will not end politely
    disconnectTimeout: 200,
    commandTimeout: commandTimeoutMs,
    // a connection that went silent is given up, not waited for
    socketTimeout: commandTimeoutMs + 500,
    // and so is a sentinel that froze, as the machine of the primary may have: the next one is asked
    sentinelCommandTimeout: commandTimeoutMs,
    retryStrategy: (attempt: number) => Math.min(25 * 2 ** attempt, 400) + Math.random() * 100,
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    maxRetriesPerRequest: null,
    // resending is the caller's decision: only the caller knows whether twice is harmless
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
  redis.on("reconnecting", readAgain);
  redis.on("error", reportFrom("redis"));
  listenToSentinels(redis, readAgain, reportFrom("sentinel"));
  reportSilence(redis, reportFrom("redis"));
  redis.on("ready", () => {
    wasReached = true;
    log.info({ event: "redis_connected", role }, "redis connected");
  });
  redis.on("end", () => {
    // the library gives up in some cases; this client is to be there until it is given up here
    if (givenUp.has(redis)) return;
    readAgain();
    setTimeout(() => void redis.connect().catch(() => {}), 500);
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

/** A server that wants TLS hangs up on whoever speaks without, and says nothing; so may a proxy without a server. */
function reportSilence(redis: Redis, report: (error: Error) => void): void {
  let isSilent = false;
  redis.on("connect", () => (isSilent = true));
  redis.on("ready", () => (isSilent = false));
  redis.on("error", () => (isSilent = false));
  redis.on("close", () => {
    if (isSilent && !givenUp.has(redis)) report(new Error("hung up without an answer"));
    isSilent = false;
  });
}

/** Where Redis is and what opens it, in ioredis' words. */
export function optionsOf(access: Access): Omit<RedisOptions, "replyMapping"> {
  const { address } = access;
  const keys = Object.entries(keysOf(access)).filter(([, value]) => value !== undefined);
  if (address.kind === "server") return { ...address.at, ...Object.fromEntries(keys) };
  return {
    name: address.name,
    sentinels: [...address.sentinels],
    ...Object.fromEntries(keys),
    // a primary that froze says nothing; Sentinel says that another one has taken its place
    failoverDetector: true,
    sentinelRetryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
  };
}

/** What may be rotated while the process lives. The library looks it up at each connection. */
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
 * When the certificate ends that Redis showed to this connection, in seconds since 1970; 0 without TLS or
 * without a connection. An open one lives on if Redis gets another certificate, and knows nothing of it.
 */
export function certificateEnd({ stream }: Redis): number {
  if (!(stream instanceof TLSSocket)) return 0;
  // null once the connection is closed, empty while it is made
  const certificate = stream.getPeerCertificate() as { valid_to?: string } | null;
  const seconds = Date.parse(certificate?.valid_to ?? "") / 1_000;
  return Number.isFinite(seconds) ? seconds : 0;
}

/** Connects, for as long as it takes. */
export async function untilReady(redis: Redis): Promise<void> {
  const ready = new Promise<void>((resolve) => redis.once("ready", resolve));
  redis.connect().catch(() => {}); // its own retries go on; the error is logged by its listener
  await ready;
}

/**
 * Checks what the ledger relies on: a server of its own, a version with functions, no eviction of keys.
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
