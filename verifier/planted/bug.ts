/**
 * A planted bug: rules must find it. It is a change to a copy of `dist`; the project itself has no
 * switch for it. A change names a function and code in it, so it fits as long as that function has this
 * code, in whatever layout.
 */
import type { AckLevel } from "../rules/run-history.js";
import type { IdentityMode } from "../credentials.js";
import type { Topology } from "../redis-side.js";
import type { Change } from "./change.js";

export type Scenario =
  | "elections"
  | "crowd"
  | "returns"
  | "owners"
  | "accounts"
  | "tokens"
  | "moderation"
  | "rights";

export interface Bug {
  readonly changes: readonly Change[];
  /**
   * Ids of rules; what else it breaks does not count. In a run, whose faults come at random, it is found if it
   * breaks one of them; in a scenario, if it breaks all of them.
   */
  readonly breaks: readonly string[];
  /** Faults under which it shows. */
  readonly faults: readonly string[];
  readonly minutes: number;
  /** Default: single. */
  readonly topology?: Topology;
  /** Default: as the run is asked for. */
  readonly ack?: AckLevel;
  /** Default: open. */
  readonly identity?: IdentityMode;
  /** It shows in a small scenario of this kind, not in a run. */
  readonly scenario?: Scenario;
}
