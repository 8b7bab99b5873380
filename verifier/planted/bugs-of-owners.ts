/** Planted bugs of whose a name is, which show in the scenario owners. */
import type { Bug } from "./bug.js";
import { replace } from "./change.js";
import { CLAIM, FORGETTING, READING } from "./in-common.js";

const IN_A_SCENARIO = { scenario: "owners", faults: [], minutes: 0 } as const;

export const BUGS_OF_OWNERS: Readonly<Record<string, Bug>> = {
  "kept-name-given-away": {
    changes: [
      replace(
        CLAIM,
        "claim",
        "is_kept_for(owner, left_at, bucket.now, kept_ms) then",
        "is_kept_for(owner, left_at, bucket.now, 0) then",
      ),
    ],
    breaks: ["kept-name-is-kept"],
    ...IN_A_SCENARIO,
  },
  "history-before-tenure-shown": {
    changes: [
      replace(
        READING,
        "oldest_shown",
        "return math.max(now_ms() - tonumber(keep_ms), tonumber(since))",
        "return now_ms() - tonumber(keep_ms)",
      ),
    ],
    breaks: ["private-history-is-its-owners"],
    ...IN_A_SCENARIO,
  },
  "tenure-ignores-its-setting": {
    // PRIVATE_HISTORY=name changes nothing
    changes: [
      replace("chat/policy.ts", "createPolicy", 'limits.privateHistory === "tenure"', "true"),
    ],
    breaks: ["name-shows-its-history"],
    ...IN_A_SCENARIO,
  },
  "tenure-begins-with-each-claim": {
    changes: [
      replace(CLAIM, "own", "local begun = is_same and was.since or since", "local begun = since"),
    ],
    breaks: ["owner-sees-own-history"],
    ...IN_A_SCENARIO,
  },
  "messages-do-not-count": {
    // names with private messages are forgotten
    changes: [
      replace(
        FORGETTING,
        "have_inboxes",
        "found[i] = (type(length) == 'table' or length > 0) and 1 or 0",
        "found[i] = 0",
      ),
    ],
    breaks: ["owned-names-stay-known"],
    ...IN_A_SCENARIO,
  },
  "nothing-is-forgotten": {
    changes: [
      replace(FORGETTING, "forget", "redis.call('HDEL', bucket.users, unpack(nobodys))", ""),
    ],
    breaks: ["names-of-nobody-are-forgotten"],
    ...IN_A_SCENARIO,
  },
};
