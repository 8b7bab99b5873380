/** Planted bugs of the scenarios crowd and returns: who is signed out, and what clients that come back hear. */
import type { Bug } from "./bug.js";
import { atStart, replace } from "./change.js";
import { BUCKET, DUTIES } from "./in-common.js";

const IN_A_SCENARIO = { faults: [], minutes: 0 } as const;

export const BUGS_OF_SCENARIOS: Readonly<Record<string, Bug>> = {
  "dead-stay": {
    // the leader finds dead nodes, and signs out none of their users
    changes: [
      replace("cluster/sweep.ts", "sweep", "dead.map((node) => duties.reap(token, node))", "[]"),
    ],
    scenario: "crowd",
    breaks: ["dead-are-signed-out", "no-ghosts"],
    ...IN_A_SCENARIO,
  },
  "reap-the-bucket": {
    // with the users of a dead node the leader signs out all others of the bucket
    changes: [
      replace(
        DUTIES,
        "reap",
        "redis.call('SRANDMEMBER', bucket.owned, limit)",
        "redis.call('HKEYS', bucket.users)",
      ),
      replace(DUTIES, "release", "if holder.node ~= incarnation then return false end", ""),
    ],
    scenario: "crowd",
    breaks: ["only-dead-are-signed-out"],
    ...IN_A_SCENARIO,
  },
  "reap-twice": {
    // a sign-out is announced again
    changes: [
      replace(
        DUTIES,
        "release",
        "settle(bucket, name, user, 'lost')",
        "settle(bucket, name, user, 'lost') settle(bucket, name, user, 'lost')",
      ),
    ],
    scenario: "crowd",
    breaks: ["signed-out-once"],
    ...IN_A_SCENARIO,
  },
  "dead-for-long": {
    // a lease counts for six seconds after its end
    changes: [replace(BUCKET, "has_ended", "ends + TAKEOVER_MARGIN_MS", "ends + 6000")],
    scenario: "crowd",
    breaks: ["signed-out-soon"],
    ...IN_A_SCENARIO,
  },
  "gap-instead-of-messages": {
    // a client that comes back is told of a gap, although the messages are kept
    changes: [
      atStart(
        "gateway/resume.ts",
        "goOn",
        "if (cursor !== undefined && state.head > cursor[1]) return { state, after: state.head, gaps: [{ after: cursor[1], before: state.head + 1, reason: 'trimmed' }] };",
      ),
    ],
    scenario: "returns",
    breaks: ["returning-hears-once-in-order"],
    ...IN_A_SCENARIO,
  },
  "resume-too-far": {
    // a client that comes back counts as having heard messages that are not written yet
    changes: [
      atStart(
        "gateway/resume.ts",
        "goOn",
        "if (cursor !== undefined) return { state, after: state.head + 1000000, gaps: [] };",
      ),
    ],
    scenario: "returns",
    breaks: ["returning-hears-everything"],
    ...IN_A_SCENARIO,
  },
  "leaves-untold": {
    // a stopping node does not tell its clients to go elsewhere first, and signs them out at once
    changes: [
      atStart("gateway/drain.ts", "drain", "tell = () => false;"),
      atStart("gateway/sign-out-queue.ts", "SignOutQueue.signOut", "afterMs = 0;"),
    ],
    scenario: "returns",
    breaks: ["returns-unseen"],
    ...IN_A_SCENARIO,
  },
};
