/**
 * What the cluster needs from the world: leases that are held for a time, and the leader's duties,
 * which check their token (`redis/` implements them); and what the node itself knows of names.
 */
import type { Position } from "../chat/events.js";
import type { Name } from "../chat/names.js";

/** A node's standing in the cluster, as far as the node knows. */
export interface Membership {
  /** Random, one per node process life, and a new one after a lease was lost. */
  readonly incarnation: string;
  /** False while the node is not (or no longer) a member: then it must not write in users' names. */
  readonly isMember: boolean;
}

export interface Head {
  readonly bucket: number;
  readonly head: Position;
  readonly isMember: boolean;
  /** When it was so, by Redis' clock, in ms since 1970. */
  readonly timeMs: number;
  /** This node has seen more: perhaps it is not the primary's head. Nothing is written there. */
  readonly isOlder: boolean;
}

/** Membership for a limited time: a node that stops renewing is dead for the others after the lease. */
export interface NodeLease {
  /** A new member, under an incarnation never used before. */
  join(incarnation: string): Promise<Head[]>;
  /** Renews in every bucket; says in which the lease had ended (it is not revived), and all heads. */
  renew(incarnation: string): Promise<Head[]>;
  retire(incarnation: string): Promise<void>;
}

/** Leadership for a limited time. A token is greater than all tokens given out before, across failovers. */
export interface LeaderLease {
  /** The token while `incarnation` leads, else undefined. */
  acquire(incarnation: string): Promise<string | undefined>;
  resign(incarnation: string): Promise<void>;
}

/** What this node itself knows of names: for the audit. */
export interface LocalNames {
  /** Whether a session holds the name, or is about to claim it. */
  isHeld(name: Name): boolean;
  /** Whether a session that held it is gone, and has not been signed out yet. */
  isSigningOut(name: Name): boolean;
  /** The ids of the sessions that hold it or are about to claim it. */
  sessionsOf(name: Name): readonly string[];
}

/** What only the leader does: each step checks the token, and refuses a stale one. */
export interface Duties {
  /** Active users who were quiet for the idle time become inactive. Returns the nodes found dead. */
  sweep(token: string): Promise<{ idled: number; dead: DeadNode[] }>;
  /** Signs out the users of a dead node in one bucket; returns how many. */
  reap(token: string, dead: DeadNode): Promise<number>;
}

/** What only the leader does for names that nobody has. It checks the token, as {@link Duties}. */
export interface NameDuties {
  /**
   * A round: looks at some names that were left long ago, and forgets those that are kept for nobody and of which no
   * message is kept. Returns how many. They are unknown then, as if nobody had ever had them.
   */
  forget(token: string): Promise<number>;
}

/** What only the leader does for users who have left for good. It checks the token, as {@link Duties}. */
export interface LeavingDuties {
  /** A round: clears what is still kept of some of them. Returns how many names are free from now on. */
  finishLeaving(token: string): Promise<number>;
}

export interface DeadNode {
  readonly bucket: number;
  readonly incarnation: string;
}

/** The leader's token is older than one that has acted: somebody else leads. */
export class StaleToken extends Error {
  override readonly name = "StaleToken";
}
