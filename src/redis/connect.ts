/** Connections to Redis: never a command sent twice by the library, never a promise left hanging. */
import { Redis, type RedisOptions } from "ioredis";
import type { Log } from "../observe.js";
import { readAddress } from "./address.js";

export interface RedisSettings {
  /** See address.ts. */
  readonly url: string;
  /** A command without an answer for this long fails; whether it was carried out stays unknown. */
  readonly commandTimeoutMs: number;
}

/**
 * A connection that reconnects for ever, until {@link giveUp}. Commands fail at once while it is
 * away. `role` names it in `CLIENT LIST` and in the log.
 */
export function connectRedis(
  { url, commandTimeoutMs }: RedisSettings,
  role: "command" | "duty" | "subscriber" | "writer",
  log: Log,
): Redis {
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
  const redis = new Redis({ ...optionsOf(url), ...options } satisfies RedisOptions);
  const onError = (error: Error): void => {
    log.warn({ role, err: error }, "redis connection failed");
  };
  redis.on("error", onError);
  listenToSentinels(redis, onError);
  redis.on("ready", () => log.info({ role }, "redis connected"));
  redis.on("end", () => {
    // the library gives up in some cases; this client is to be there until it is given up here
    if (!givenUp.has(redis)) setTimeout(() => void redis.connect().catch(() => {}), 500);
  });
  redis.on("close", () => log.debug({ role }, "redis connection closed"));
  return redis;
}

/** The library leaves connections to sentinels without a listener, and prints their errors past the log. */
function listenToSentinels(redis: Redis, onError: (error: Error) => void): void {
  const { connector } = redis as unknown as {
    connector: { connectToSentinel?: (...args: unknown[]) => Redis };
  };
  const connectToSentinel = connector.connectToSentinel?.bind(connector);
  if (connectToSentinel === undefined) return;
  connector.connectToSentinel = (...args) => {
    const sentinel = connectToSentinel(...args);
    sentinel.on("error", onError);
    return sentinel;
  };
}

/** Where the URL says that Redis is, in ioredis' words. @throws AddressError */
export function optionsOf(url: string): Omit<RedisOptions, "replyMapping"> {
  const address = readAddress(url);
  if (address.kind === "server") {
    return { ...address.at, ...address.login, ...(address.isTls && { tls: {} }) };
  }
  const { name, sentinels, login, sentinelLogin } = address;
  return {
    name,
    sentinels: [...sentinels],
    ...login,
    ...(sentinelLogin.username !== undefined && { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password !== undefined && { sentinelPassword: sentinelLogin.password }),
    // a primary that froze says nothing; Sentinel says that another one has taken its place
    failoverDetector: true,
    sentinelRetryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
  };
}

const givenUp = new WeakSet<Redis>();

/** Closes the connection for good. */
export function giveUp(redis: Redis): void {
  givenUp.add(redis);
  redis.disconnect();
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
      "REDIS_URL leads to a Sentinel: write redis+sentinel://host:26379/name, with the name of its primary",
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
    log.warn("redis is a replica, which takes no writes: waiting until it is a primary");
  }
  const memory = await redis.info("memory");
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  if (policy !== undefined && policy !== "noeviction") {
    log.warn({ policy }, "redis may evict keys of the chat: set maxmemory-policy noeviction");
  }
  return version;
}
