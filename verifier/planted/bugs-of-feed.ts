/** Planted bugs of the feed: what is heard, missed, and taken back. */
import type { Bug } from "./bug.js";
import { atStart, replace } from "./change.js";
import { FEED, NO_CATCH_UP, SEEN_UNNOTICED, TRANSITION, replacedUnnoticed } from "./in-common.js";

export const BUGS_OF_FEED: Readonly<Record<string, Bug>> = {
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
    breaks: ["heard-once-in-order"],
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
    breaks: ["nothing-missed"],
    faults: ["cut-subscriber", "kill-subscriptions"],
    minutes: 0.3,
  },
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
    breaks: ["heard-once-in-order"],
    faults: ["cut-subscriber"],
    minutes: 0.3,
  },
  "told-behind-a-hole": {
    // a session that missed events for good hears the events behind them
    changes: [replace("session/delivery.ts", "hole", "notice.hasMissed", "false")],
    breaks: ["heard-once-in-order"],
    faults: ["trim-logs"],
    minutes: 0.4,
  },
  "position-in-data-only": {
    // after a restart the same positions are given again
    changes: [
      replacedUnnoticed(
        "if kept[1] and kept[1] ~= replid then bucket.offset = math.max(bucket.offset - 3, 0) redis.call('DEL', (string.gsub(meta, 'meta$', 'log'))) elseif not kept[1] then",
      ),
    ],
    breaks: ["position-means-one-event"],
    faults: ["restart-redis"],
    minutes: 0.4,
  },
  "generation-survives-promotion": {
    // the positions that a failover took back are given again
    changes: [replacedUnnoticed("if not kept[1] then"), SEEN_UNNOTICED],
    topology: "sentinel",
    breaks: ["number-names-one-message"],
    faults: ["lossy-failover"],
    minutes: 0.3,
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
    breaks: ["heard-is-stored"],
    faults: ["lossy-failover"],
    minutes: 0.3,
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
    breaks: ["acknowledged-is-stored"],
    faults: ["old-volume"],
    minutes: 0.4,
  },
};
