/** A fault, and what it harms. */
import type { Cluster } from "./cluster.js";
import type { GatewayProcess } from "./gateway-process.js";
import type { Random } from "./random.js";

export interface Scene {
  readonly cluster: Cluster;
  /** A random gateway; the leader if the fault is for leaders. */
  readonly victim: GatewayProcess;
  readonly random: Random;
  /** A fault calls it when something goes down: the victim, or the primary. */
  readonly down: () => void;
}

/** Does the harm for a while, and heals it. */
export type Fault = (scene: Scene) => Promise<void>;
