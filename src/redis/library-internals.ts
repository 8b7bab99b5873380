/**
 * What the connections to Redis use of `ioredis` beyond what it documents. It is used here and nowhere else, and each use
 * has a test that fails when the library changes: test/redis/library-internals.test.ts. ARCHITECTURE.md, libraries' internals.
 */
import type { Redis, RedisOptions } from "ioredis";

/** The method by which ioredis makes each of its connections to sentinels. */
interface Connector {
  connectToSentinel?: (...args: unknown[]) => Redis;
}

/**
 * Lets `listener` have each connection to a sentinel, before anything is sent on it; `before` runs before it is made.
 * ioredis leaves those that watch for failovers without a listener, and prints their errors past the log.
 */
export function onSentinelConnection(
  redis: Redis,
  before: () => void,
  listener: (sentinel: Redis) => void,
): void {
  const { connector } = redis as unknown as { connector: Connector };
  const connectToSentinel = connector.connectToSentinel?.bind(connector);
  if (connectToSentinel === undefined) return; // a server of its own
  connector.connectToSentinel = (...args) => {
    before();
    const sentinel = connectToSentinel(...args);
    listener(sentinel);
    return sentinel;
  };
}

/** Changes options of a connection: ioredis looks them up each time it connects, also those for sentinels. */
export function changeOptions(redis: Redis, options: RedisOptions): void {
  Object.assign(redis.options, options);
}

/** The socket of a connection, undefined before the first one. `stream` is marked as internal. */
export function socketOf({ stream }: Redis): unknown {
  return stream;
}

/**
 * Lets the sockets of a connection fail more than once. ioredis listens once to each, but over TLS 1.3 a refused client
 * certificate is an error of a socket that stays open. If the socket is then reset, that is a second error: without this
 * listener it would be uncaught, and end the process.
 */
export function outliveSocketErrors(redis: Redis): void {
  redis.on("connect", () => redis.stream.on("error", () => {}));
}

/** Parts of the messages of ioredis' own errors, which have no code. */
export const ERROR_TEXTS = {
  allSentinels: "All sentinels are unreachable",
  /** A sentinel answered, but with no address. */
  invalidReply: "got an invalid reply: ",
  /** A sentinel knows no primary of this name. */
  unknownPrimary: "got an invalid reply: null",
  /** Of a command, or of a connection that was being made. */
  closed: "Connection is closed.",
  /** The system's own word, also for a connection that ioredis gave up. */
  connectTimedOut: "ETIMEDOUT",
  commandTimedOut: "Command timed out",
} as const;

/** Whether an error says that no sentinel could be reached. */
export function isOfAllSentinels({ message }: Error): boolean {
  return message.startsWith(ERROR_TEXTS.allSentinels);
}

/** Lets `listener` have the error when a sentinel answers, but knows no primary of this name. */
export function onUnknownPrimary(redis: Redis, listener: (error: Error) => void): void {
  redis.on("sentinelError", (error: Error) => {
    if (error.message.includes(ERROR_TEXTS.invalidReply)) listener(error);
  });
}
