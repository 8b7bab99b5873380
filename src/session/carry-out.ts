/** What is done for a frame: which request it makes, whether it is carried out, and how it is answered. */
import type { Refusal, Reply } from "../chat/commands.js";
import type { ConnectedStatus, Name } from "../chat/names.js";
import { activityOf } from "../chat/policy.js";
import type { Effect } from "./effects.js";
import { isClaimed, isLive, isSure, nameOf } from "./questions.js";
import type { Asked, ChatCommand, Decoded, Hello, Ref, Request } from "./requests.js";
import type { Claimant, RequestState, SessionState } from "./state.js";
import { preceded, raise, step, type Step } from "./table.js";
import type { ClaimOutcome, Failure } from "./answers.js";
import type { CloseReason } from "./endings.js";

/** Bad or refused frames in a row. */
const STRIKES = 100;

export const done: RequestState = { kind: "idle" };

/** A frame was read. */
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
    case "request":
      return { patch: { strikes: 0 }, ...requested(what.request, what.ref, state) };
    default:
      return what satisfies never;
  }
}

/** A frame was bad, or came too fast. */
export function strike(
  why: CloseReason,
  state: SessionState,
): Pick<Step<never>, "patch" | "raise"> {
  const strikes = state.strikes + 1;
  return { patch: { strikes }, raise: strikes >= STRIKES ? [{ type: "close", why }] : [] };
}

function requested(request: Request, ref: Ref, state: SessionState): Step<RequestState> {
  switch (request.type) {
    case "ping":
      return step(done, { type: "send", telling: { type: "pong", ref } });
    case "bye":
      return {
        ...step<RequestState>({ kind: "saying-bye", ref }),
        ...raise({ type: "farewell" }, { type: "fence" }, { type: "release" }),
      };
    case "hello":
      return greet(request, ref, state);
    case "register":
      return register(request.name, ref, state);
    case "command":
    case "follow":
    case "mistake":
      if (!isClaimed(state)) {
        const asked = request.type === "command" ? request.command : undefined;
        return refuse(ref, "not_registered", asked);
      }
      return requestedInName(request, ref, state);
    default:
      return request satisfies never;
  }
}

function requestedInName(
  request: Extract<Request, { type: "command" | "follow" | "mistake" }>,
  ref: Ref,
  state: SessionState,
): Step<RequestState> {
  switch (request.type) {
    case "command": {
      const { command } = request;
      if (!isWished(command, state)) return step(done);
      return preceded(carryOut(command, ref, state), ...activity(command, state));
    }
    case "follow": {
      const { watch } = request;
      if (watch !== undefined && state.transport.kind !== "closed") {
        return step(done, { type: "follow", watch, ref });
      }
      return step(done, { type: "unfollow" }, { type: "send", telling: { type: "done", ref } });
    }
    case "mistake":
      return step(done, { type: "sendAnswer", answer: request.answer });
    default:
      return request satisfies never;
  }
}

/** Carries out a command, at once or when the name is sure again. */
export function carryOut(command: ChatCommand, ref: Ref, state: SessionState): Step<RequestState> {
  if (!isLive(state)) return refuse(ref, "unavailable", command);
  if (!isSure(state)) {
    return step({ kind: "waiting", command, ref }, { type: "startTimer", timer: "doubt" });
  }
  if (!isWished(command, state)) return step(done);
  const execute: Effect = { type: "execute", command };
  if (command.type === "status" && command.status === "disconnected") {
    return step({ kind: "signing-out", command, ref }, execute);
  }
  const isHeldBack = state.traits.ownMessage === "after-reply" && state.settings.mustAwaitStore;
  const waits = command.type === "send" && isHeldBack;
  return step({ kind: waits ? "sending" : "executing", command, ref }, execute);
}

/** Whether a command of a client that is gone is still carried out. */
function isWished(command: ChatCommand, { traits, transport }: SessionState): boolean {
  if (transport.kind !== "closed") return true;
  if (traits.lastWishes === "messages") return command.type === "send";
  return command.type !== "list" && command.type !== "lookup" && command.type !== "history";
}

function activity(command: ChatCommand, state: SessionState): Effect[] {
  const kind = activityOf(command, nameOf(state)!);
  if (kind === undefined) return [];
  return [kind === "status" ? { type: "statusChosen" } : { type: "active", kind }];
}

function greet(hello: Hello, ref: Ref, state: SessionState): Step<RequestState> {
  if (isClaimed(state)) {
    return step(done, { type: "send", telling: { type: "greeted-already", ref } });
  }
  if (!isLive(state)) return refuse(ref, "unavailable", hello);
  const { name, written, key } = hello;
  return raise({ type: "claim", name, written, key, claimant: { type: "hello", hello, ref } });
}

/** A name by frame: the one that the session has, or its first. */
function register(name: Name, ref: Ref, state: SessionState): Step<RequestState> {
  const asked: Asked = { type: "register", name };
  if (isClaimed(state)) {
    if (name !== nameOf(state)) return refuse(ref, "bad_name", asked);
    return step(
      { kind: "registering", name, ref },
      { type: "execute", command: { type: "lookup", name } },
    );
  }
  if (!isLive(state)) return refuse(ref, "unavailable", asked);
  return raise({ type: "claim", name, claimant: { type: "register", name, ref } });
}

/** A claim was answered. */
export function claimed(claimant: Claimant, outcome: ClaimOutcome): Step<RequestState> {
  // nothing was asked yet by a frame
  if (claimant.type === "handshake") {
    return step<RequestState>({ kind: "fresh" }, { type: "claimed", outcome });
  }
  const { ref } = claimant;
  const asked: Asked =
    claimant.type === "hello" ? claimant.hello : { type: "register", name: claimant.name };
  switch (outcome) {
    case "taken":
      return refuse(ref, "name_taken", asked);
    case "bad_name":
      return refuse(ref, "bad_name", asked);
    case "unavailable":
    case "bug":
      return fail(ref, outcome, asked);
    case "new":
    case "back":
    case "joined": {
      if (claimant.type === "hello") return greeted(claimant.hello, ref, outcome);
      const user = { name: claimant.name, status: "active" } as const;
      const registered = answer(ref, { type: "registered", user }, asked);
      return preceded(registered, { type: "logConnected", outcome, client: undefined });
    }
    default:
      return outcome satisfies never;
  }
}

function greeted(hello: Hello, ref: Ref, outcome: "new" | "back" | "joined"): Step<RequestState> {
  const { status, client, cursors } = hello;
  const log: Effect = { type: "logConnected", outcome, client };
  // before the welcome: a user who had been away is not active in between for long
  if (status !== undefined && outcome !== "joined") {
    return step({ kind: "restoring-status", hello, ref }, log, restored(status));
  }
  return step({ kind: "resuming", ref }, log, { type: "resume", cursors });
}

function restored(status: ConnectedStatus): Effect {
  return { type: "execute", command: { type: "status", status } };
}

export function answer(ref: Ref, reply: Reply, asked?: Asked): Step<RequestState> {
  return step(
    done,
    { type: "logAnswer", asked, reply },
    { type: "send", telling: { type: "reply", ref, reply, asked } },
  );
}

export function refuse(ref: Ref, refusal: Refusal, asked?: Asked): Step<RequestState> {
  return answer(ref, { type: "refused", refusal }, asked);
}

export function fail(ref: Ref, why: Failure, asked?: Asked): Step<RequestState> {
  if (why === "unavailable") return refuse(ref, "unavailable", asked);
  return step(done, { type: "send", telling: { type: "failed", ref } });
}
