/** Planted bugs of names and duties: who holds a name, who is dead, who leads. */
import type { Bug } from "./bug.js";
import { replace } from "./change.js";
import { BUCKET, DUTIES, USERS, claimedIf } from "./in-common.js";

export const BUGS_OF_NAMES: Readonly<Record<string, Bug>> = {
  "unconditional-leave": {
    changes: [
      replace(
        USERS,
        "leave",
        "local own = holder_of(user, session) if not own then return 0 end",
        "if not user or #user.holders == 0 then return 0 end local own = user.holders[1]",
      ),
    ],
    breaks: ["one-session-writes", "roster-is-true"],
    faults: ["blackhole-redis-long", "freeze-leader-long"],
    minutes: 0.8,
  },
  "claim-without-check": {
    changes: [claimedIf(true)],
    breaks: ["one-session-writes"],
    faults: [],
    minutes: 0.2,
  },
  "no-member-fencing": {
    changes: [
      replace(BUCKET, "require_member", "if not ends or ends < bucket.now then", "if false then"),
      // a node that wakes up continues as if nothing had happened
      replace(
        "cluster/heartbeat.ts",
        "Heartbeat.isOverdue",
        "return performance.now() - this.#renewedAtMs >= this.#settings.leaseMs;",
        "return false;",
      ),
      replace(DUTIES, "beat", "local is_member = mode == 'join' or", "local is_member = true or"),
      replace(
        "gateway/session-chat.ts",
        "SessionChat.reclaim",
        'if (!("at" in claim)) return answered({ outcome: "taken" });',
        "",
      ),
    ],
    breaks: ["roster-is-true", "one-session-writes", "no-false-sign-out"],
    faults: ["freeze-leader-long", "blackhole-redis-long"],
    minutes: 1,
  },
  "no-sign-out-of-the-dead": {
    changes: [
      replace("cluster/sweep.ts", "sweep", "dead.map((node) => duties.reap(token, node))", "[]"),
      replace("cluster/audit.ts", "Audit.next", "if (!isOurs)", "if (false)"),
      claimedIf(false),
    ],
    breaks: ["roster-is-true"],
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
    breaks: ["no-false-sign-out"],
    faults: [],
    minutes: 0.3,
  },
  "no-leader-fencing": {
    changes: [
      replace(BUCKET, "require_leader", "if fence and token < fence then", "if false then"),
    ],
    scenario: "elections",
    breaks: ["stale-leader-cannot-act"],
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
    breaks: ["tokens-rise"],
    faults: ["kill-leader", "stop-gateway"],
    minutes: 0.6,
  },
};
