/**
 * The invariants of a session: they hold in whatever order inputs come. A property test checks them after each of
 * many random inputs. Those over a state say where each is enforced; test/session/invariants breaks each of them once.
 *
 * Over a whole run: id, what holds, where it is enforced, which test holds it (in test/session; properties and
 * two-sessions try all but W9 at random, planted-cells plants mistakes):
 * W1. Nothing is sent after a close frame. A client that closed first still gets answers until its close is answered.
 *     By transition.ts, which drops effects that send (`SENDS`), and by `routeOf`. A page that is still being pushed when
 *     the close frame is sent: by send-queue.ts of the gateway. Test: promises.ts, model-shell.ts.
 * W2. Each message is sent once, in the order of its conversation. By catch-up.ts. Test: promises.ts, model-world.ts.
 * W3. Notices that were held back for a name are dropped if the claim fails. By the input `forget`. Test: promises.ts.
 * W4. Each request has exactly one answer unless its client is closed, and answers come in the order of the requests. By
 *     the table of request.ts: one is carried out at a time, but for messages to everybody (storing.ts). By SessionChat:
 *     their answers keep their order. Test: promises.ts, liveness.ts, model-shell.ts, session-chat.
 * W5. Commands are executed only in a name that is held beyond doubt. By `carryOut`. Test: promises.ts, model-world.ts.
 * W6. At most one claim is under way; a contest that is decided too late has no effect. By the table of name.ts.
 *     Test: promises.ts, model-world.ts.
 * W7. `ended` comes exactly once, after the connection is closed and all requests are done. By then the name was given
 *     back, or the gateway is told to give it back. By service.ts. Test: random-run.ts, model-world.ts.
 * W8. A session that has begun to leave never serves again. By the table of service.ts: there is no way back.
 *     Test: promises.ts.
 * W9. After a bug in a cell, an effect or the codec the session comes to its end all the same. By `SessionMachine.break`
 *     and the input `broken`. Test: broken-session.
 * W10. A session that is asked to go goes, one that leaves finishes, and none waits for an answer that does not come.
 *     By all tables. Test: liveness.ts.
 */
import { isBroken, isClaimed, isHangingUp, isLive, isSure } from "./questions.js";
import type { Service, SessionState } from "./state.js";

interface Invariant {
  readonly id: `S${number}`;
  readonly says: string;
  readonly holds: (state: SessionState) => boolean;
}

/** Over a state, after each transition. */
export const INVARIANTS: readonly Invariant[] = [
  {
    // name.ts raises claimSettled in the step that ends a claim
    id: "S1",
    says: "a claim is under way exactly while a request waits for it",
    holds: ({ name, request }) =>
      (name.kind === "claiming" || name.kind === "contesting") === (request.kind === "claiming"),
  },
  {
    // carry-out.ts
    id: "S2",
    says: "only a session with a name executes commands",
    holds: (state) => {
      switch (state.request.kind) {
        case "fresh":
        case "idle":
        case "reading":
        case "claiming":
        case "logging-in":
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
    id: "S3",
    says: "a session is over only after its connection is closed",
    holds: ({ service, transport }) => service.kind !== "over" || transport.kind === "closed",
  },
  {
    // service.ts raises release; name.ts answers by left
    id: "S4",
    says: "a session that waits for its sign-out has asked for it",
    holds: ({ service, name }) => service.kind !== "releasing" || name.kind === "releasing",
  },
  {
    // transport.ts raises nothing that service.ts ignores while it serves
    id: "S5",
    says: "a client that has closed is not served any longer",
    holds: (state) => !isHangingUp(state) || state.service.kind !== "serving",
  },
  {
    // delivery.ts, by the traits
    id: "S6",
    says: "only a client with cursors catches up, and only one without is severed",
    holds: ({ traits, delivery }) => {
      if (delivery.kind === "catching-up") return traits.catchesUp;
      return delivery.kind === "flowing" || traits.afterHole === "evict";
    },
  },
  {
    // reclaim.ts raises lost
    id: "S7",
    says: "a session that lost its name does not serve",
    holds: ({ name, service }) => name.kind !== "lost" || !isServed(service),
  },
  {
    // request.ts: by the inputs sure, fence and lost
    id: "S8",
    says: "a command waits only while the name is in doubt",
    holds: (state) => state.request.kind !== "waiting" || (isLive(state) && !isSure(state)),
  },
  {
    // request.ts raises signedOut
    id: "S9",
    says: "a session that has signed out has given its name back, and does not serve",
    holds: ({ request, name, service }) =>
      request.kind !== "signed-out" ||
      ((name.kind === "released" || name.kind === "lost") && !isServed(service)),
  },
  {
    // request.ts raises abandon
    id: "S10",
    says: "a session in which there was a bug does not serve",
    holds: (state) => !isBroken(state) || !isServed(state.service),
  },
];

/** The invariants that a state violates. */
export function brokenInvariants(state: SessionState): string[] {
  return INVARIANTS.filter(({ holds }) => !holds(state)).map(({ id, says }) => `${id}: ${says}`);
}

function isServed({ kind }: Service): boolean {
  return kind === "serving" || kind === "finishing";
}
