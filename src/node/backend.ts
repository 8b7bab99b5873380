/** The backend of a node: what speaks to Redis, and the node's place in the cluster. Built here, started by node.ts. */
import { Election } from "../cluster/election.js";
import { Heartbeat } from "../cluster/heartbeat.js";
import type { DeadNode } from "../cluster/ports.js";
import { sweep } from "../cluster/sweep.js";
import { redisSettings } from "../config/access.js";
import { stallMs, stepDownMs, type Config } from "../config.js";
import { inRoom, type Observe } from "../observe.js";
import { Clearing } from "../redis/clearing.js";
import { RedisAccountStore } from "../redis/account-store.js";
import { RedisBlocks } from "../redis/blocks.js";
import { Connections } from "../redis/connections.js";
import { RedisConversationStore } from "../redis/conversation-store.js";
import { RedisFeed } from "../redis/feed/feed.js";
import { Forgetting } from "../redis/forgetting.js";
import { FunctionLibrary, type FunctionSource } from "../redis/function-library.js";
import { Keys } from "../redis/keys.js";
import { RedisLeases } from "../redis/lease.js";
import { RedisModerationStore } from "../redis/moderation-store.js";
import { Replication } from "../redis/replication.js";
import { RedisUserRecords } from "../redis/user-records.js";
import { RedisUserStore } from "../redis/user-store.js";
import { HISTORY_TEXT_BYTES } from "../wire/classic.js";
import { Readiness } from "./readiness.js";

export type Backend = ReturnType<typeof createBackend>;

export function createBackend(
  config: Config & { REDIS_URL: string },
  observe: Observe,
  source: FunctionSource,
) {
  const isReplicated = config.ACK_LEVEL === "replicated";
  const connections = new Connections(
    redisSettings(config),
    { hasWriter: isReplicated },
    observe.log,
  );
  const { commands, duty, subscriber, writer } = connections;
  const keys = new Keys(config.REDIS_PREFIX);
  const feed = new RedisFeed(subscriber, commands, keys, inRoom(observe, "feed"));
  const library = new FunctionLibrary(
    commands,
    source,
    inRoom(observe, "function-library"),
    feed.seen,
  );
  const leases = new RedisLeases(library.on(duty), keys, {
    leaseMs: config.LEASE_MS,
    stallMs: stallMs(config),
    idleAfterMs: config.IDLE_AFTER_MS,
  });
  const heartbeat = new Heartbeat(
    leases,
    { beatMs: config.BEAT_MS, leaseMs: config.LEASE_MS },
    inRoom(observe, "heartbeat"),
  );
  const election = new Election(
    leases,
    heartbeat,
    { renewMs: config.ELECTION_MS, stepDownMs: stepDownMs(config) },
    inRoom(observe, "election"),
  );
  const replication = isReplicated ? new Replication(writer, config.ACK_REPLICAS) : undefined;
  const writing = { library: isReplicated ? library.on(writer) : library, replication };
  const settings = {
    historyKeep: config.HISTORY_KEEP,
    historyMaxAgeMs: config.HISTORY_MAX_AGE_MS,
    historyBytes: config.CLASSIC_REPLY_MAX_BYTES,
    historyTextBytes: HISTORY_TEXT_BYTES,
    deadlineMs: config.OPERATION_DEADLINE_MS,
    stallMs: stallMs(config),
    nameKeptMs: config.NAME_KEPT_MS,
    loginIdleMs: config.LOGIN_IDLE_MS,
    privateHistory: config.PRIVATE_HISTORY,
  };
  const accounts = new RedisAccountStore(library, writing, keys, settings);
  const users = new RedisUserStore(library, keys, heartbeat, settings);
  const blocks = new RedisBlocks(library, writing, keys, settings);
  const conversations = new RedisConversationStore(
    library,
    writing,
    keys,
    heartbeat,
    settings,
    inRoom(observe, "user-store"),
  );
  const moderation = new RedisModerationStore(library, writing, keys, settings);
  // what clients ask for does not hold up what the gateway looks for by itself
  const sanctions = new RedisModerationStore(library.on(duty), writing, keys, settings);
  const readiness = new Readiness({
    isMember: () => heartbeat.isMember,
    isConnected: () => connections.isConnected,
    isHearing: () => feed.isHearing,
  });
  const sweeping = inRoom(observe, "sweep");
  const forgetting = new Forgetting(library.on(duty), keys, {
    namesForgottenMs: config.NAMES_FORGOTTEN_MS,
    nameKeptMs: config.NAME_KEPT_MS,
    historyMaxAgeMs: config.HISTORY_MAX_AGE_MS,
  });
  const recordsSettings = { ...settings, hasTokens: config.IDENTITY === "token" };
  const records = new RedisUserRecords(library, writing, keys, recordsSettings);
  const leaving = new Clearing(library.on(duty), keys, settings);
  const duties = {
    sweep: (token: string) => leases.sweep(token),
    reap: (token: string, dead: DeadNode) => leases.reap(token, dead),
    forget: (token: string) => forgetting.forget(token),
    finishLeaving: (token: string) => leaving.finishLeaving(token),
  };
  observe.counters.certificateEnd.read = () => connections.certificateEnd;
  return {
    connections,
    library,
    feed,
    heartbeat,
    election,
    users,
    accounts,
    conversations,
    records,
    blocks,
    moderation,
    sanctions,
    readiness,
    /** What the leader does for all. */
    duties: (token: string) => sweep(duties, token, sweeping),
    countReplicas: async () => replication?.look(),
  };
}
