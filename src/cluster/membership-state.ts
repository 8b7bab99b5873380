/**
 * Whether this node is a member of the cluster, and whether its sessions' names are still theirs. Pure;
 * heartbeat.ts renews the lease and runs the effects.
 *
 *     joining ─joined→ member ─new generation→ confirming ─claimed→ member
 *                        any of these ─lost, overdue→ rejoining ─claimed→ member           any ─close→ left
 *
 * Invariants (test/cluster/membership-state.test.ts):
 * - A node whose lease was lost, or may have ended, is no member before its sessions' names were claimed again.
 * - Names are not claimed twice at a time.
 * - Claims that began before the last reason for them are not enough: they are made once more.
 * - That Redis may hold older data is told to the next claims, and again if those fail.
 */

export type MembershipState =
  | { readonly name: "joining" }
  | { readonly name: "member"; readonly mayBeOlder: boolean }
  /** A member: but what Redis lost before the new generation may include claims of names. */
  | Claiming<"confirming">
  /** No member: others may have given the names away. */
  | Claiming<"rejoining">
  | { readonly name: "left" };

interface Claiming<Name extends string> {
  readonly name: Name;
  readonly claims: Claims;
  /** Redis may hold older data than this node has seen: not told to any claims yet. */
  readonly mayBeOlder: boolean;
}

/** `due`: the next renewal makes them. `outdated`: under way, and due again after that. */
type Claims =
  | { readonly status: "due" }
  | { readonly status: "running" | "outdated"; readonly mayBeOlder: boolean };

export type MembershipInput =
  | { readonly type: "joined" }
  /** The lease had ended; a new incarnation is about to join. */
  | { readonly type: "lost" }
  | {
      readonly type: "renewed";
      /** So late that the lease may have ended before: the sessions may have been suspended. */
      readonly isOverdue: boolean;
      readonly isNewGeneration: boolean;
      /** Some data is older than this node has seen. */
      readonly isOlder: boolean;
    }
  /** The claims were made. */
  | { readonly type: "claimed" }
  | { readonly type: "claimFailed" }
  | { readonly type: "close" };

export interface MembershipStep {
  readonly state: MembershipState;
  /** The names are to be claimed now. */
  readonly claim?: { readonly mayBeOlder: boolean };
}

export function nextMembership(state: MembershipState, input: MembershipInput): MembershipStep {
  if (state.name === "left") return { state };
  switch (input.type) {
    case "joined":
      return { state: state.name === "joining" ? { name: "member", mayBeOlder: false } : state };
    case "lost":
      return { state: state.name === "joining" ? state : rejoining(state) };
    case "renewed":
      return state.name === "joining" ? { state } : renewed(state, input);
    case "claimed":
    case "claimFailed":
      return { state: afterClaims(state, input.type) };
    case "close":
      return { state: { name: "left" } };
    default:
      return input satisfies never;
  }
}

type Joined = Exclude<MembershipState, { name: "joining" | "left" }>;

function rejoining(state: Joined): Claiming<"rejoining"> {
  const { mayBeOlder } = state;
  return { name: "rejoining", claims: claimsOf(state, true), mayBeOlder };
}

/** The claims that there are; with a new reason for them, they are due, or due again. */
function claimsOf(state: Joined, hasReason: boolean): Claims {
  if (state.name === "member") return { status: "due" };
  const { claims } = state;
  return hasReason && claims.status === "running" ? { ...claims, status: "outdated" } : claims;
}

function renewed(
  before: Joined,
  { isOverdue, isNewGeneration, isOlder }: Extract<MembershipInput, { type: "renewed" }>,
): MembershipStep {
  const mayBeOlder = before.mayBeOlder || isNewGeneration || isOlder;
  const hasReason = isOverdue || isNewGeneration;
  if (before.name === "member" && !hasReason) return { state: { name: "member", mayBeOlder } };
  const name = isOverdue || before.name === "rejoining" ? "rejoining" : "confirming";
  const claims = claimsOf(before, hasReason);
  if (claims.status !== "due") return { state: { name, claims, mayBeOlder } };
  const running = { status: "running", mayBeOlder } as const;
  return { state: { name, claims: running, mayBeOlder: false }, claim: { mayBeOlder } };
}

function afterClaims(
  state: Exclude<MembershipState, { name: "left" }>,
  outcome: "claimed" | "claimFailed",
): MembershipState {
  if (state.name === "joining" || state.name === "member") return state;
  const { name, claims, mayBeOlder } = state;
  switch (claims.status) {
    case "due":
      return state;
    case "running":
      if (outcome === "claimed") return { name: "member", mayBeOlder };
      break;
    case "outdated":
      if (outcome === "claimed") return { name, claims: { status: "due" }, mayBeOlder };
      break;
    default:
      return claims satisfies never;
  }
  return { name, claims: { status: "due" }, mayBeOlder: mayBeOlder || claims.mayBeOlder };
}
