/** The stores of a cluster, as its gateways have them. */
import type { ModerationStore } from "../chat/sanctions.js";
import { redisSettings } from "../config/access.js";
import type { Config } from "../config.js";
import { observe } from "../observe.js";
import { RedisAccountStore } from "../redis/account-store.js";
import { checkRedis, connectRedis, giveUp, untilReady } from "../redis/connect.js";
import { FunctionLibrary, readFunctionSource } from "../redis/function-library.js";
import { Keys } from "../redis/keys.js";
import { RedisModerationStore } from "../redis/moderation-store.js";
import { RedisConversationStore } from "../redis/conversation-store.js";
import { RedisUserRecords } from "../redis/user-records.js";
import { HISTORY_TEXT_BYTES } from "../wire/classic.js";
import { Replication } from "../redis/replication.js";

export interface Stores {
  readonly moderation: ModerationStore;
  readonly accounts: RedisAccountStore;
  readonly records: RedisUserRecords;
  readonly conversations: RedisConversationStore;
  close(): void;
}

/**
 * Connects to Redis.
 * @throws Unavailable if it cannot be reached in time; Error if it is no Redis as it must be
 */
export async function openStores(
  config: Config & { readonly REDIS_URL: string },
  withinMs: number,
): Promise<Stores> {
  const silent = observe("silent", "admin");
  const redis = connectRedis(redisSettings(config), "command", silent.log);
  try {
    await untilReady(redis, withinMs);
    await checkRedis(redis, silent.log);
  } catch (error) {
    giveUp(redis);
    throw error;
  }
  const library = new FunctionLibrary(redis, await readFunctionSource(), silent);
  const isReplicated = config.ACK_LEVEL === "replicated";
  const replication = isReplicated ? new Replication(redis, config.ACK_REPLICAS) : undefined;
  const writing = { library, replication };
  const keys = new Keys(config.REDIS_PREFIX);
  const { OPERATION_DEADLINE_MS: deadlineMs, LOGIN_IDLE_MS: loginIdleMs } = config;
  const settings = {
    deadlineMs,
    loginIdleMs,
    historyKeep: config.HISTORY_KEEP,
    historyMaxAgeMs: config.HISTORY_MAX_AGE_MS,
    historyBytes: config.CLASSIC_REPLY_MAX_BYTES,
    historyTextBytes: HISTORY_TEXT_BYTES,
    privateHistory: config.PRIVATE_HISTORY,
    hasTokens: config.IDENTITY === "token",
  };
  // it is no node, and writes no messages
  const membership = { incarnation: "-", isMember: false };
  return {
    records: new RedisUserRecords(library, writing, keys, settings),
    conversations: new RedisConversationStore(library, writing, keys, membership, settings, silent),
    moderation: new RedisModerationStore(library, writing, keys, { deadlineMs }),
    accounts: new RedisAccountStore(library, writing, keys, { deadlineMs, loginIdleMs }),
    close: () => giveUp(redis),
  };
}
