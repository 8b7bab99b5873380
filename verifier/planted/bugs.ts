/**
 * Planted bugs: the rules must find each of them. A bug is a change to a copy of `dist`; the project
 * itself has no switch for it. A change names a function and code in it, so it fits as long
 * as that function has this code, in whatever layout.
 */
import type { AckLevel } from "../rules/run-history.js";
import type { Topology } from "../redis-side.js";
import { atStart, replace, type Change } from "./change.js";
import {
  BUCKET,
  DUTIES,
  ECHO,
  FEED,
  MESSAGES,
  NO_CATCH_UP,
  SEEN_UNNOTICED,
  STORE,
  TRANSITION,
  USERS,
  claimedIf,
  replacedUnnoticed,
} from "./in-common.js";

export interface Planted {
  readonly changes: readonly Change[];
  /** Faults under which it shows. */
  readonly faults: readonly string[];
  readonly minutes: number;
  /** Default: single. */
  readonly topology?: Topology;
  /** Default: as the run is asked for. */
  readonly ack?: AckLevel;
  /** It shows in a few rounds of this scenario, not in a run. */
  readonly scenario?: "elections";
}

export const PLANTED: Readonly<Record<string, Planted>> = {
  "no-dedupe": {
    changes: [replace(MESSAGES, "append", "if first_answer then", "if false then")],
    faults: ["mute-redis"],
    minutes: 0.5,
  },
  "increment-before-append": {
    // the number is taken, then the append is refused: a number is never used
    changes: [
      replace(
        MESSAGES,
        "append",
        "local last = redis.call('HMGET', conversation, 'seq', 'epoch')",
        "redis.call('HINCRBY', conversation, 'seq', 1) local last = redis.call('HMGET', conversation, 'seq', 'epoch')",
      ),
      replace(
        MESSAGES,
        "append",
        "local seq = (tonumber(last[1]) or 0) + 1",
        "local seq = tonumber(last[1]) if seq % 100 == 99 then error('OOM refused') end",
      ),
    ],
    faults: [],
    minutes: 0.3,
  },
  "unconditional-leave": {
    changes: [
      replace(
        USERS,
        "leave",
        "local own = holder_of(user, session) if not own then return 0 end",
        "if not user or #user.holders == 0 then return 0 end local own = user.holders[1]",
      ),
    ],
    faults: ["blackhole-redis-long", "freeze-leader-long"],
    minutes: 0.8,
  },
  "claim-without-check": { changes: [claimedIf(true)], faults: [], minutes: 0.2 },
  "read-before-subscribe": {
    // after a cut the log is read first; an event between that and the subscription is missed
    changes: [
      replace(
        FEED,
        "RedisFeed.#resubscribe",
        "await this.#subscribe();",
        "await this.catchUp(); await new Promise((r) => setTimeout(r, 300)); await this.#subscribe(); for (const b of this.#buckets) { const { lineage } = await b.log.read({ type: 'read', what: 'lineage' }); b.state = { ...b.state, cursor: lineage.head }; }",
      ),
      NO_CATCH_UP,
    ],
    faults: ["cut-subscriber"],
    minutes: 0.3,
  },
  "no-fill": {
    changes: [
      replace(
        TRANSITION,
        "hear",
        'startFill(next, "gap")',
        "{ state: { ...next, cursor: at }, effects: DELIVER_HEARD }",
      ),
      NO_CATCH_UP,
    ],
    faults: ["cut-subscriber", "kill-subscriptions"],
    minutes: 0.3,
  },
  "position-in-data-only": {
    // after a restart the same positions are given again
    changes: [
      replacedUnnoticed(
        "if kept[1] and kept[1] ~= replid then bucket.offset = math.max(bucket.offset - 3, 0) redis.call('DEL', (string.gsub(meta, 'meta$', 'log'))) elseif not kept[1] then",
      ),
    ],
    faults: ["restart-redis"],
    minutes: 0.4,
  },
  "no-member-fencing": {
    changes: [
      replace(BUCKET, "require_member", "if not ends or ends < bucket.now then", "if false then"),
      // a node that wakes up continues as if nothing had happened
      replace(
        "cluster/heartbeat.ts",
        "Heartbeat.isOverdue",
        "return performance.now() - this.#renewedAt >= this.#settings.leaseMs;",
        "return false;",
      ),
      replace(DUTIES, "beat", "local is_member = mode == 'join' or", "local is_member = true or"),
      replace(
        "gateway/session-chat.ts",
        "SessionChat.reclaim",
        'if (claim.outcome === "taken") return answered({ outcome: "taken" });',
        "",
      ),
    ],
    faults: ["freeze-leader-long", "blackhole-redis-long"],
    minutes: 1,
  },
  "acknowledge-before-write": {
    changes: [
      atStart(
        STORE,
        "RedisConversationStore.append",
        "if (Math.random() < 0.001) return { seq: 0, epoch: 0, time: 0, repeated: false };",
      ),
      ECHO,
    ],
    faults: [],
    minutes: 0.2,
  },
  "local-echo": { changes: [ECHO], faults: [], minutes: 0.2 },
  "publish-without-log": {
    // a naive chat server: pub/sub only
    changes: [
      replace(
        TRANSITION,
        "hear",
        "at.generation === cursor.generation && at.offset === cursor.offset + 1",
        "true",
      ),
      atStart(
        "redis/feed/fill.ts",
        "startFill",
        "return { state: { ...state, name: 'following' }, effects: before };",
      ),
    ],
    faults: ["cut-subscriber"],
    minutes: 0.3,
  },
  "no-sign-out-of-the-dead": {
    changes: [
      replace("cluster/sweep.ts", "sweep", "dead.map((node) => duties.reap(token, node))", "[]"),
      replace("cluster/audit.ts", "Audit.next", "if (!isOurs)", "if (false)"),
      claimedIf(false),
    ],
    faults: ["kill-gateway"],
    minutes: 0.3,
  },
  "reap-the-living": {
    // leases end too early: some living nodes look dead
    changes: [
      replace(
        BUCKET,
        "has_ended",
        "return bucket.now > ends + TAKEOVER_MARGIN_MS",
        "return bucket.now > ends - 3200",
      ),
    ],
    faults: [],
    minutes: 0.3,
  },
  "commands-in-parallel": {
    changes: [
      replace(
        STORE,
        "RedisConversationStore.append",
        'const write = () => library.call("append", keys, [',
        'if (Math.random() < 0.01) await new Promise((r) => setTimeout(r, 50)); const write = () => library.call("append", keys, [',
      ),
      replace(
        STORE,
        "RedisConversationStore.append",
        "await this.#retrying(() => {",
        "await this.#retrying(async () => {",
      ),
      // the next request begins while this one is under way
      atStart(
        "gateway/session-chat.ts",
        "SessionChat.#execute",
        "if (command.type === 'send') { this.#dependencies.chat.execute(this.#session.holder, command).catch(() => {}); return this.#answer({ type: 'answered', reply: { type: 'accepted' } }); }",
      ),
    ],
    faults: [],
    minutes: 0.2,
  },
  "silent-rollback": {
    // the feed skips what a failover took back, and reports nothing
    changes: [
      replace(
        "redis/feed/hole-log.ts",
        "HoleLog.add",
        'this.#observe.log.warn({ event: "events_missing", bucket, ...hole, ...kept }, "events are missing from the log");',
        "",
      ),
    ],
    topology: "sentinel",
    faults: ["lossy-failover"],
    minutes: 0.3,
  },
  "told-behind-a-hole": {
    // a session that missed events for good hears the events behind them
    changes: [replace("session/delivery.ts", "hole", "notice.hasMissed", "false")],
    faults: ["trim-logs"],
    minutes: 0.4,
  },
  "older-data-unnoticed": {
    // gateways and functions accept older data
    changes: [
      replace(
        "redis/feed/lineage.ts",
        "missingFrom",
        "return lost && { seen: lost, kept, events };",
        "return undefined;",
      ),
      SEEN_UNNOTICED,
    ],
    faults: ["old-volume"],
    minutes: 0.4,
  },
  "confirmed-by-those-left": {
    // one replica has been promoted; the old primary takes the answer of the other one for enough
    changes: [
      replace("redis/replication.ts", "Replication.covering", "!this.#isWhole(connected)", "false"),
    ],
    topology: "sentinel",
    ack: "replicated",
    faults: ["asked-failover"],
    minutes: 1.5,
  },
  "generation-survives-promotion": {
    // the positions that a failover took back are given again
    changes: [replacedUnnoticed("if not kept[1] then"), SEEN_UNNOTICED],
    topology: "sentinel",
    faults: ["lossy-failover"],
    minutes: 0.3,
  },
  "no-leader-fencing": {
    changes: [
      replace(BUCKET, "require_leader", "if fence and token < fence then", "if false then"),
    ],
    scenario: "elections",
    faults: [],
    minutes: 0,
  },
  "token-by-position-without-generation": {
    changes: [
      replace(
        DUTIES,
        "elect",
        "local token = string.format('%015.0f-%015.0f', bucket.generation, bucket.offset)",
        "local token = string.format('%015.0f-%015.0f', 1, 1000 - bucket.offset % 1000)",
      ),
    ],
    faults: ["kill-leader", "stop-gateway"],
    minutes: 0.6,
  },
};
