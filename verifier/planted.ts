/**
 * Planted bugs: what the checkers must find. Each is a change to a copy of the built project; the
 * project itself has no switch for any of them.
 */
import type { AckLevel } from "./indexed.js";
import type { Topology } from "./redis-side.js";

export interface Planted {
  /** File in `dist/`, the text to be replaced (it must be there), and what takes its place. */
  readonly changes: readonly (readonly [file: string, text: string, by: string])[];
  /** Faults under which it shows. */
  readonly faults: readonly string[];
  readonly minutes: number;
  /** Default: single. */
  readonly topology?: Topology;
  /** Default: as the run is asked for. */
  readonly ack?: AckLevel;
  /** Shows in a few rounds of it, not in a run. */
  readonly scenario?: "elections";
}

const BUCKET = "redis/lua/1-bucket.lua";
const USERS = "redis/lua/2-users.lua";
const MESSAGES = "redis/lua/3-messages.lua";
const DUTIES = "redis/lua/4-duties.lua";

/** In BUCKET: another server, or older data under this one. */
const REPLACED = "if kept[1] ~= replid or (given[meta] and is_before(bucket, given[meta])) then";

const ECHO = `async #send(command) {
  const message = { conversation: { kind: 'general' }, author: this.nameClaim.name, text: command.text };
  const echo = this.dialect.encodeNotice({ type: 'message', at: { generation: 0, offset: 0 }, message });
  this.#line.sendQueue.push(frameOf(echo, 'binary'));`;

export const PLANTED: Readonly<Record<string, Planted>> = {
  "no-dedupe": {
    changes: [[MESSAGES, "if first_answer then", "if false then"]],
    faults: ["mute-redis"],
    minutes: 0.5,
  },
  "increment-before-append": {
    // the number is taken, then the append is refused: a hole for ever
    changes: [
      [
        MESSAGES,
        "local last = redis.call('HMGET', conversation, 'seq', 'epoch')",
        "redis.call('HINCRBY', conversation, 'seq', 1) local last = redis.call('HMGET', conversation, 'seq', 'epoch')",
      ],
      [
        MESSAGES,
        "local seq = (tonumber(last[1]) or 0) + 1",
        "local seq = tonumber(last[1]) if seq % 100 == 99 then error('OOM refused') end",
      ],
    ],
    faults: [],
    minutes: 0.3,
  },
  "unconditional-leave": {
    changes: [
      [
        USERS,
        "local own = holder_of(user, session)\n  if not own then return 0 end",
        "if not user or #user.holders == 0 then return 0 end local own = user.holders[1]",
      ],
    ],
    faults: ["blackhole-redis-long", "freeze-leader-long"],
    minutes: 0.8,
  },
  "claim-without-check": {
    changes: [
      [
        USERS,
        "return has_ended(bucket, bucket.nodes, holder.node, stall_ms)\n  end)",
        "return true\n  end)",
      ],
    ],
    faults: [],
    minutes: 0.2,
  },
  "read-before-subscribe": {
    // after a cut: the log is read first, and what comes before the subscription stands is missed
    changes: [
      [
        "redis/feed/feed.js",
        "await this.#subscribe();\n            this.#observe",
        "await this.catchUp(); await new Promise((r) => setTimeout(r, 300)); await this.#subscribe(); for (const b of this.#buckets) { b.cursor = (await this.#readLineage(b)).head; }\n            this.#observe",
      ],
      ["redis/feed/feed.js", "await this.catchUp();\n            // what", "// what"],
    ],
    faults: ["cut-subscriber"],
    minutes: 0.3,
  },
  "no-fill": {
    changes: [
      [
        "redis/feed/feed.js",
        "else if (isBefore(bucket.cursor, at))\n            void this.#fill(bucket);",
        "else if (isBefore(bucket.cursor, at)) this.#pass(bucket, event, at);",
      ],
      ["redis/feed/feed.js", "await this.catchUp();\n            // what", "// what"],
    ],
    faults: ["cut-subscriber", "kill-subscriptions"],
    minutes: 0.3,
  },
  "position-in-data-only": {
    // the head is kept in memory of the functions: a restart begins the same numbers again
    changes: [
      [
        BUCKET,
        REPLACED,
        "if kept[1] and kept[1] ~= replid then bucket.n = math.max(bucket.n - 3, 0) redis.call('DEL', (string.gsub(meta, 'meta$', 'log'))) elseif not kept[1] then",
      ],
    ],
    faults: ["restart-redis"],
    minutes: 0.4,
  },
  "no-member-fencing": {
    changes: [
      [BUCKET, "if not ends or ends < bucket.now then", "if false then"],
      // and so a node that wakes up goes on as if nothing had happened
      [
        "cluster/heartbeat.js",
        "return performance.now() - this.#renewedAt >= this.#settings.leaseMs;",
        "return false;",
      ],
      [DUTIES, "local is_member = mode == 'join' or", "local is_member = true or"],
      ["gateway/name-claim.js", 'if (claim.outcome === "taken")\n            return false;', ""],
    ],
    faults: ["freeze-leader-long", "blackhole-redis-long"],
    minutes: 1,
  },
  "acknowledge-before-write": {
    changes: [
      [
        "redis/user-store.js",
        "async append(draft) {",
        "async append(draft) { if (Math.random() < 0.001) return { seq: 0, epoch: 0, time: 0, repeated: false };",
      ],
      ["gateway/classic-session.js", "async #send(command) {", ECHO],
    ],
    faults: [],
    minutes: 0.2,
  },
  "local-echo": {
    changes: [["gateway/classic-session.js", "async #send(command) {", ECHO]],
    faults: [],
    minutes: 0.2,
  },
  "publish-without-log": {
    // the naive control: what the field's simplest chat servers do
    changes: [
      [
        "redis/feed/feed.js",
        "if (bucket.filling === undefined && isNext(at, bucket.cursor))",
        "if (true)",
      ],
      ["redis/feed/feed.js", "async #readLog(bucket) {", "async #readLog(bucket) { return;"],
    ],
    faults: ["cut-subscriber"],
    minutes: 0.3,
  },
  "no-sign-out-of-the-dead": {
    changes: [
      ["cluster/sweep.js", "dead.map((node) => duties.reap(token, node))", "[]"],
      ["gateway/audit.js", "if (!isOurs)", "if (false)"],
      [
        USERS,
        "return has_ended(bucket, bucket.nodes, holder.node, stall_ms)\n  end)",
        "return false\n  end)",
      ],
    ],
    faults: ["kill-gateway"],
    minutes: 0.3,
  },
  "reap-the-living": {
    // a lease by a clock that is not Redis': a quarter of the nodes look dead
    changes: [
      [BUCKET, "return bucket.now > ends + TAKEOVER_MARGIN_MS", "return bucket.now > ends - 3200"],
    ],
    faults: [],
    minutes: 0.3,
  },
  "commands-in-parallel": {
    changes: [
      [
        "redis/user-store.js",
        'const write = () => ledger.call("append", keys, [',
        'if (Math.random() < 0.01) await new Promise((r) => setTimeout(r, 50)); const write = () => ledger.call("append", keys, [',
      ],
      [
        "redis/user-store.js",
        "(await this.#retrying(() => {\n            if (!this.#standing.isMember)",
        "(await this.#retrying(async () => {\n            if (!this.#standing.isMember)",
      ],
      ["gateway/request-queue.js", "await this.#carryOut(frame);", "void this.#carryOut(frame);"],
    ],
    faults: [],
    minutes: 0.2,
  },
  "silent-rollback": {
    // what a failover took back is skipped, and nobody is told
    changes: [
      [
        "redis/feed/holes.js",
        'this.#observe.log.warn({ bucket, ...hole, ...kept }, "events are missing from the log");',
        "",
      ],
    ],
    topology: "sentinel",
    faults: ["lossy-failover"],
    minutes: 0.3,
  },
  "told-behind-a-hole": {
    // who has missed what no log has any more goes on hearing what comes behind it
    changes: [["gateway/classic-session.js", "notice.hasMissed", "false"]],
    faults: ["trim-logs"],
    minutes: 0.4,
  },
  "older-data-unnoticed": {
    // whoever takes what is there for the truth, as if nothing else had ever been seen
    changes: [
      ["redis/feed/lineage.js", "return seen && { seen, kept, events };", "return undefined;"],
      [BUCKET, "elseif is_before(bucket, seen) then", "elseif false then"],
    ],
    faults: ["old-volume"],
    minutes: 0.4,
  },
  "confirmed-by-those-left": {
    // one replica has been promoted, and the old primary still has the other, which confirms
    changes: [["redis/replication.js", "!this.#isWhole(connected)", "false"]],
    topology: "sentinel",
    ack: "replicated",
    faults: ["asked-failover"],
    minutes: 1.5,
  },
  "generation-survives-promotion": {
    // the numbers that a failover took back are given again
    changes: [
      [BUCKET, REPLACED, "if not kept[1] then"],
      [BUCKET, "elseif is_before(bucket, seen) then", "elseif false then"],
    ],
    topology: "sentinel",
    faults: ["lossy-failover"],
    minutes: 0.3,
  },
  "no-leader-fencing": {
    changes: [[BUCKET, "if fence and token < fence then", "if false then"]],
    scenario: "elections",
    faults: [],
    minutes: 0,
  },
  "token-by-position-without-generation": {
    changes: [
      [
        DUTIES,
        "local token = string.format('%015.0f-%015.0f', bucket.g, bucket.n)",
        "local token = string.format('%015.0f-%015.0f', 1, 1000 - bucket.n % 1000)",
      ],
    ],
    faults: ["kill-leader", "stop-gateway"],
    minutes: 0.6,
  },
};
