/**
 * What is true of every session, in whatever order things happen. A property test checks both lists after each of
 * many random inputs; here stands where each is enforced.
 *
 * Of a run (test/session/properties.test.ts checks them over all effects):
 * 1. Behind a close nothing is told, but answers to a client that was first to close. `takesAnswers`, `takesNotices`.
 * 2. A message is told once, in the order of its conversation: caught up, early or flowing. catch-up.ts.
 * 3. Of what was held back under a name that was not had, nothing is told. The input `forget`.
 * 4. One request at a time, at most one answer each. The table of request.ts: no frame while one is under way.
 * 5. Nothing is done in a name that is not had for sure. `carryOut`.
 * 6. At most one claim is under way; one that comes too late changes nothing. The table of name.ts.
 * 7. The gateway is told of the end exactly once, when the connection is gone and all that was asked for is done;
 *    the name was given back by then, or the gateway gives it back. service.ts.
 * 8. A session that has begun to leave never serves again. The table of service.ts has no way back.
 */
import { isClaimed, isHangingUp } from "./questions.js";
import type { SessionState } from "./state.js";

interface Invariant {
  readonly says: string;
  readonly holds: (state: SessionState) => boolean;
}

/** Of a state, whenever a transition has ended. */
const INVARIANTS: readonly Invariant[] = [
  {
    // name.ts raises claimSettled in the step that ends a claim
    says: "a name is claimed exactly while a request waits for it",
    holds: ({ name, request }) =>
      (name.kind === "claiming" || name.kind === "contesting") === (request.kind === "claiming"),
  },
  {
    // carry-out.ts
    says: "what is asked in a name is asked by a session that has claimed one",
    holds: (state) => {
      switch (state.request.kind) {
        case "fresh":
        case "idle":
        case "reading":
        case "claiming":
        case "saying-bye":
          return true;
        default:
          return isClaimed(state);
      }
    },
  },
  {
    // service.ts: over is reached by drained or from releasing, when the connection is gone
    says: "a session is over only when its connection is gone",
    holds: ({ service, transport }) => service.kind !== "over" || transport.kind === "closed",
  },
  {
    // service.ts raises release; name.ts answers by left
    says: "a name is being given back while the session waits for it, or has told the gateway to",
    holds: ({ service, name }) => service.kind !== "releasing" || name.kind === "releasing",
  },
  {
    // transport.ts raises nothing that service.ts ignores while it serves
    says: "a client that has hung up is served no more than what it had asked for",
    holds: (state) => !isHangingUp(state) || state.service.kind !== "serving",
  },
  {
    // delivery.ts, by the traits
    says: "only a client that catches up waits for what it missed, and only one that cannot be told is severed",
    holds: ({ traits, delivery }) => {
      if (delivery.kind === "catching-up") return traits.catchesUp;
      return delivery.kind === "flowing" || traits.afterHole === "evict";
    },
  },
  {
    // reclaim.ts
    says: "a name that was lost is not acted in",
    holds: ({ name, service }) => name.kind !== "lost" || service.kind !== "serving",
  },
];

/** What is not true of a state, and should be. */
export function brokenInvariants(state: SessionState): string[] {
  return INVARIANTS.filter(({ holds }) => !holds(state)).map(({ says }) => says);
}
