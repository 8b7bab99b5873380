/** Requests: which of them are carried out, and how they are answered. */
import type { LogIn, Refusal, RefusalDetails, Reply, RuleRefusal } from "../chat/commands.js";
import type { IdentityRefusal } from "../chat/identity.js";
import type { ConnectedStatus } from "../chat/names.js";
import { activityOf } from "../chat/activity.js";
import { mayRegisterAgain } from "../chat/policy.js";
import type { Effect } from "./effects.js";
import { isClaimed, isLive, isSure, nameOf, takesAnswers } from "./questions.js";
import {
  isToAll,
  type Asked,
  type ChatCommand,
  type Decoded,
  type Hello,
  type Ref,
  type Register,
  type Request,
} from "./requests.js";
import type { Claimant, RequestState, SessionState } from "./state.js";
import { preceded, raise, step, type Step } from "./table.js";
import type { ClaimOutcome, Failure } from "./answers.js";
import type { CloseReason } from "./endings.js";
import { isStillExecuted } from "./still-executed.js";

/** A client is closed after so many bad or refused frames in a row. */
const STRIKES = 100;

export const done: RequestState = { kind: "idle" };

/** The step for a decoded frame. */
export function decoded(what: Decoded, state: SessionState): Step<RequestState> {
  switch (what.kind) {
    case "ignored":
      return step(done, { type: "logIgnored", why: what.why });
    case "bad": {
      const effects = [
        { type: "logIgnored", why: what.why },
        { type: "sendAnswer", answer: what.answer },
      ] as const;
      return { ...step(done, ...effects), ...strike("badFrames", state) };
    }
    case "refused":
      return refuse(what.ref, what.refusal);
    case "request": {
      const requestStep = requested(what.request, what.ref, state);
      return state.strikes === 0 ? requestStep : { ...requestStep, patch: { strikes: 0 } };
    }
    default:
      return what satisfies never;
  }
}

/** Counts a frame that could not be read or was too much; closes after too many in a row. */
export function strike(
  why: CloseReason,
  state: SessionState,
): Pick<Step<never>, "patch" | "raise"> {
  const strikes = state.strikes + 1;
  const isOut = strikes >= STRIKES;
  return { patch: { strikes }, raise: isOut ? [{ type: "close", why }, { type: "abandon" }] : [] };
}

/** The frame that was taken is too much. */
export function tooFast(waitMs: number, state: SessionState): Step<RequestState> {
  const refusal = step(done, { type: "countRefused" }, { type: "refuseFrame", waitMs });
  return { ...refusal, ...strike("tooFast", state) };
}

function requested(request: Request, ref: Ref, state: SessionState): Step<RequestState> {
  switch (request.type) {
    case "ping":
      return step(done, { type: "send", output: { type: "pong", ref } });
    case "bye":
      return {
        ...step<RequestState>({ kind: "saying-bye", ref }),
        ...raise({ type: "farewell" }, { type: "fence" }, { type: "release" }),
      };
    case "hello":
      return greet(request, ref, state);
    case "register":
      return register(request, ref, state);
    case "log-in":
      return logIn(request.asked, ref, state);
    case "command":
    case "superseded":
    case "follow":
    case "invalid":
      if (!isClaimed(state)) {
        // `may` has this rule, for a stranger; here too, because without a name there is nobody to execute it for
        const asked = "command" in request ? request.command : undefined;
        return refuse(ref, "not_registered", asked);
      }
      return requestedInName(request, ref, state);
    default:
      return request satisfies never;
  }
}

function requestedInName(
  request: Extract<Request, { type: "command" | "superseded" | "follow" | "invalid" }>,
  ref: Ref,
  state: SessionState,
): Step<RequestState> {
  switch (request.type) {
    case "command": {
      const { command } = request;
      if (!isStillExecuted(command, state)) return step(done);
      return preceded(carryOut(command, ref, state), ...activity(command, state));
    }
    case "superseded": {
      const { command } = request;
      if (!isLive(state)) return refuse(ref, "unavailable", command);
      const user = { name: nameOf(state)!, status: command.status };
      return answer(ref, { type: "unchanged", user }, command);
    }
    case "follow": {
      const { watch } = request;
      if (watch !== undefined && takesAnswers(state.transport)) {
        return step(done, { type: "follow", watch, ref });
      }
      return step(done, { type: "unfollow" }, { type: "send", output: { type: "done", ref } });
    }
    case "invalid":
      return step(done, { type: "sendAnswer", answer: request.answer });
    default:
      return request satisfies never;
  }
}

/** Executes a command now, or once the name is no longer in doubt. */
export function carryOut(command: ChatCommand, ref: Ref, state: SessionState): Step<RequestState> {
  if (!isLive(state)) return refuse(ref, "unavailable", command);
  if (!isSure(state)) {
    return step({ kind: "waiting", command, ref }, { type: "startTimer", timer: "doubt" });
  }
  if (!isStillExecuted(command, state)) return step(done);
  const execute: Effect = { type: "execute", command };
  if (command.type === "status" && command.status === "disconnected") {
    return step({ kind: "signing-out", command, ref }, execute);
  }
  const mustHoldBack = state.traits.ownMessage === "after-reply" && state.settings.mustAwaitStore;
  if (command.type === "send" && mustHoldBack) {
    return step({ kind: "holding-back", command, ref }, execute);
  }
  // one conversation: they are stored, and fail, in the order in which they were sent
  if (isToAll(command)) {
    return step({ kind: "storing", pending: [{ command, ref }], tooFastMs: undefined }, execute);
  }
  return step({ kind: "executing", command, ref }, execute);
}

function activity(command: ChatCommand, state: SessionState): Effect[] {
  const kind = activityOf(command, nameOf(state)!);
  if (kind === undefined) return [];
  return [kind === "status" ? { type: "statusChosen" } : { type: "active", kind }];
}

function greet(hello: Hello, ref: Ref, state: SessionState): Step<RequestState> {
  if (isClaimed(state)) {
    return step(done, { type: "send", output: { type: "greeted-already", ref } });
  }
  if (!isLive(state)) return refuse(ref, "unavailable", hello);
  const { name, written, key, keep, shown } = hello;
  const claimant = { type: "hello", hello, ref } as const;
  return raise({ type: "claim", name, written, key, keep, shown, claimant });
}

/** A client that has a name logs in no more: it could not tell whose session it is. */
function logIn(whole: LogIn, ref: Ref, state: SessionState): Step<RequestState> {
  const asked = { type: whole.type, name: whole.name };
  if (isClaimed(state)) return refuse(ref, "forbidden", asked);
  if (!isLive(state)) return refuse(ref, "unavailable", asked);
  return step({ kind: "logging-in", asked, ref }, { type: "beginLogin", asked: whole });
}

/** A session registers a first name. If it already has one, only that name is accepted. */
function register(
  { name, written, shown }: Register,
  ref: Ref,
  state: SessionState,
): Step<RequestState> {
  const asked: Asked = { type: "register", name };
  if (isClaimed(state)) {
    const refusal = mayRegisterAgain(nameOf(state)!, name);
    if (refusal !== undefined) return refuse(ref, refusal, asked);
    return step(
      { kind: "registering", name, ref },
      { type: "execute", command: { type: "lookup", name } },
    );
  }
  if (!isLive(state)) return refuse(ref, "unavailable", asked);
  return raise({ type: "claim", name, written, shown, claimant: { type: "register", name, ref } });
}

/** The step for the outcome of a claim. */
export function claimed(
  claimant: Claimant,
  outcome: ClaimOutcome,
  details?: RefusalDetails,
): Step<RequestState> {
  // the client has sent no frame yet
  if (claimant.type === "handshake") {
    const told = details && { details };
    return step<RequestState>({ kind: "fresh" }, { type: "claimed", outcome, ...told });
  }
  const { ref } = claimant;
  const asked: Asked =
    claimant.type === "hello" ? claimant.hello : { type: "register", name: claimant.name };
  switch (outcome) {
    case "taken":
      return refuse(ref, "name_taken", asked);
    case "kept":
      return refuse(ref, "name_kept", asked);
    case "unavailable":
    case "bug":
      return fail(ref, outcome, asked);
    case "new":
    case "back":
    case "joined": {
      if (claimant.type === "hello") return greeted(claimant.hello, ref, outcome);
      const user = { name: claimant.name, status: "active" } as const;
      const registered = answer(ref, { type: "registered", user }, asked);
      return preceded(
        registered,
        { type: "stopTimer", timer: "hello" },
        { type: "logConnected", outcome, client: undefined },
      );
    }
    default:
      return refuse(
        ref,
        outcome satisfies RuleRefusal | IdentityRefusal | "too_fast",
        asked,
        details,
      );
  }
}

function greeted(hello: Hello, ref: Ref, outcome: "new" | "back" | "joined"): Step<RequestState> {
  const { status, client, cursors } = hello;
  const effects: Effect[] = [
    { type: "stopTimer", timer: "hello" },
    { type: "logConnected", outcome, client },
  ];
  // before the welcome, so that a user who was away is shown as active for a moment at most
  if (status !== undefined && outcome !== "joined") {
    return step({ kind: "restoring-status", hello, ref }, ...effects, restored(status));
  }
  return step({ kind: "resuming", ref }, ...effects, { type: "resume", cursors });
}

function restored(status: ConnectedStatus): Effect {
  return { type: "execute", command: { type: "status", status } };
}

export function answer(ref: Ref, reply: Reply, asked?: Asked): Step<RequestState> {
  return step(
    done,
    { type: "logAnswer", asked, reply },
    { type: "send", output: { type: "reply", ref, reply, asked } },
  );
}

export function refuse(
  ref: Ref,
  refusal: Refusal,
  asked?: Asked,
  details?: RefusalDetails,
): Step<RequestState> {
  return answer(ref, { type: "refused", refusal, ...details }, asked);
}

export function fail(ref: Ref, why: Failure, asked?: Asked): Step<RequestState> {
  if (why === "unavailable") return refuse(ref, "unavailable", asked);
  return step(done, { type: "send", output: { type: "failed", ref } });
}
