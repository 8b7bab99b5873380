/**
 * The invariants of a session: they hold in whatever order inputs come. A property test checks them after each of
 * many random inputs. Each says where it is enforced.
 *
 * Over a whole run (checked by test/session/properties.test.ts on all effects):
 * 1. Nothing is sent after a close frame. A client that closed first still gets answers until it is answered.
 *    Enforced by `takesAnswers` and `takesNotices`.
 * 2. Each message is sent once, in the order of its conversation. Enforced in catch-up.ts.
 * 3. Notices that were held back for a name are dropped if the claim fails. Enforced by the input `forget`.
 * 4. One request at a time, with exactly one answer unless its client is closed. Enforced by the table of request.ts: no frame is taken meanwhile.
 * 5. Commands are executed only in a name that is held beyond doubt. Enforced by `carryOut`.
 * 6. At most one claim is under way; a contest that is decided too late has no effect. Enforced by the table of name.ts.
 * 7. `ended` comes exactly once, after the connection is closed and all requests are done. By then the name was given
 *    back, or the gateway is told to give it back. Enforced in service.ts.
 * 8. A session that has begun to leave never serves again. Enforced by the table of service.ts: there is no way back.
 * 9. After a bug in a cell, an effect or the codec the session comes to its end all the same (test/session/broken-session).
 *    Enforced by `SessionMachine.break` and the input `broken`.
 */
import { isBroken, isClaimed, isHangingUp, isLive, isSure } from "./questions.js";
import type { Service, SessionState } from "./state.js";

interface Invariant {
  readonly says: string;
  readonly holds: (state: SessionState) => boolean;
}

/** Over a state, after each transition. */
const INVARIANTS: readonly Invariant[] = [
  {
    // name.ts raises claimSettled in the step that ends a claim
    says: "a claim is under way exactly while a request waits for it",
    holds: ({ name, request }) =>
      (name.kind === "claiming" || name.kind === "contesting") === (request.kind === "claiming"),
  },
  {
    // carry-out.ts
    says: "only a session with a name executes commands",
    holds: (state) => {
      switch (state.request.kind) {
        case "fresh":
        case "idle":
        case "reading":
        case "claiming":
        case "saying-bye":
        case "broken":
          return true;
        default:
          return isClaimed(state);
      }
    },
  },
  {
    // service.ts: over is reached by drained or from releasing, when the connection is gone
    says: "a session is over only after its connection is closed",
    holds: ({ service, transport }) => service.kind !== "over" || transport.kind === "closed",
  },
  {
    // service.ts raises release; name.ts answers by left
    says: "a session that waits for its sign-out has asked for it",
    holds: ({ service, name }) => service.kind !== "releasing" || name.kind === "releasing",
  },
  {
    // transport.ts raises nothing that service.ts ignores while it serves
    says: "a client that has closed is not served any longer",
    holds: (state) => !isHangingUp(state) || state.service.kind !== "serving",
  },
  {
    // delivery.ts, by the traits
    says: "only a client with cursors catches up, and only one without is severed",
    holds: ({ traits, delivery }) => {
      if (delivery.kind === "catching-up") return traits.catchesUp;
      return delivery.kind === "flowing" || traits.afterHole === "evict";
    },
  },
  {
    // reclaim.ts raises lost
    says: "a session that lost its name does not serve",
    holds: ({ name, service }) => name.kind !== "lost" || !isServed(service),
  },
  {
    // request.ts: by the inputs sure, fence and lost
    says: "a command waits only while the name is in doubt",
    holds: (state) => state.request.kind !== "waiting" || (isLive(state) && !isSure(state)),
  },
  {
    // request.ts raises signedOut
    says: "a session that has signed out has given its name back, and does not serve",
    holds: ({ request, name, service }) =>
      request.kind !== "signed-out" ||
      ((name.kind === "released" || name.kind === "lost") && !isServed(service)),
  },
  {
    // request.ts raises abandon
    says: "a session in which there was a bug does not serve",
    holds: (state) => !isBroken(state) || !isServed(state.service),
  },
];

/** The invariants that a state violates. */
export function brokenInvariants(state: SessionState): string[] {
  return INVARIANTS.filter(({ holds }) => !holds(state)).map(({ says }) => says);
}

function isServed({ kind }: Service): boolean {
  return kind === "serving" || kind === "finishing";
}
