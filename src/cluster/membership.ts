/**
 * Membership policy: what this node does at each beat of its heart, and when it is about to be a member again
 * after its lease was lost or Redis began a new generation.
 */
import type { Position } from "../chat/events.js";
import type { Feed } from "../chat/ports.js";
import type { Observe } from "../observe.js";
import type { Audit } from "./audit.js";
import type { HeartbeatCallbacks } from "./heartbeat.js";

export interface MembershipDependencies {
  readonly feed: Pick<Feed, "catchUp"> & {
    readonly lag: number;
    compare(bucket: number, head: Position): void;
    probe(): void;
  };
  readonly audit: Pick<Audit, "doubt" | "next">;
  /** Lets the node's sessions claim their names again. */
  readonly reclaimNames: (mayBeOlder: boolean) => Promise<void>;
  /** Tells the store who was active since the last beat. Never rejects. */
  readonly noteActivity: () => Promise<void>;
  /** Looks how many replicas are connected, where that matters. */
  readonly countReplicas: () => Promise<void>;
  readonly observe: Observe;
}

export function membershipPolicy({
  feed,
  audit,
  reclaimNames,
  noteActivity,
  countReplicas,
  observe,
}: MembershipDependencies): HeartbeatCallbacks {
  const { log, counters } = observe;
  return {
    onHeads(heads) {
      for (const { bucket, head } of heads) feed.compare(bucket, head);
      counters.feedLag.set(feed.lag);
      feed.probe();
      countReplicas().catch((error: unknown) => {
        log.warn({ event: "replicas_not_counted", err: error }, "replicas could not be counted");
      });
      void noteActivity();
      audit.next().catch((error: unknown) => {
        log.warn({ event: "audit_failed", err: error }, "audit failed");
      });
    },
    async onRejoin(mayBeOlder) {
      if (mayBeOlder) audit.doubt();
      await reclaimNames(mayBeOlder);
      await feed.catchUp();
    },
  };
}
