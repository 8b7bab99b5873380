/** What others want to know of a session: answered from its state alone. */
import { isBefore } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import type { ClaimedName, NameClaim, SessionState, Transport } from "./state.js";
import type { PresenceNotice } from "./requests.js";

/** The name that is held, being claimed, or was held. */
export function nameOf({ name }: SessionState): Name | undefined {
  return name.kind === "none" || name.kind === "contesting" ? undefined : name.name;
}

/** Whether the name was claimed with success; it may be in doubt, or lost, all the same. */
export function isClaimed({ name }: SessionState): boolean {
  return hadOf(name) !== undefined;
}

/** Whether something may be done in the name. */
export function isLive({ service, name }: SessionState): boolean {
  const isServed = service.kind === "serving" || service.kind === "finishing";
  return isServed && name.kind !== "released" && name.kind !== "lost";
}

/** Whether the name is the session's, beyond doubt. */
export function isSure(state: SessionState): boolean {
  return state.name.kind === "held" && isLive(state);
}

/** Whether the name was given back, and need not be again. */
export function hasLeft({ name }: SessionState): boolean {
  return name.kind === "released";
}

/** Whether the name is kept for a while when the connection is gone. */
export function lingers(state: SessionState): boolean {
  return state.comeback === "expected" && isClaimed(state);
}

/** As far as the feed has told. */
export function statusOf({ name }: SessionState): Status {
  return hadOf(name)?.status ?? "active";
}

/** Whether the client missed notices that it cannot be told of. */
export function hasHole({ delivery }: SessionState): boolean {
  return delivery.kind === "severed";
}

/** Whether the client has hung up, or has begun to. */
export function isHangingUp({ transport: { kind } }: SessionState): boolean {
  switch (kind) {
    case "upgrading":
    case "settling":
    case "open":
    case "closing":
      return false;
    case "peer-closing":
    case "both-closing":
    case "answered":
    case "closed":
      return true;
    default:
      return kind satisfies never;
  }
}

/** Whether the client still takes answers. */
export function takesAnswers({ kind }: Transport): boolean {
  return kind === "settling" || kind === "open" || kind === "peer-closing";
}

/** Whether the client still takes notices, at once or later. */
export function takesNotices({ kind }: Transport): boolean {
  return kind === "upgrading" || kind === "settling" || kind === "open";
}

/** Whether what is pushed is held back. */
export function isCorked({ traits, transport, name, request }: SessionState): boolean {
  if (transport.kind === "upgrading" || transport.kind === "settling") return true;
  if (request.kind === "sending") return true;
  switch (name.kind) {
    case "claiming":
    case "contesting":
      return !traits.catchesUp; // else its notices wait until it has caught up
    case "doubted":
    case "reclaiming":
    case "recontesting":
      return true;
    case "releasing":
    case "released":
      return !name.isSure;
    default:
      return false;
  }
}

/** Whether the next frame may be carried out. */
export function isReadyForFrame({ request: { kind } }: SessionState): boolean {
  return kind === "fresh" || kind === "idle" || kind === "signed-out";
}

/** Whether the session waits until its request queue is empty and the last request is done. */
export function mustDrain(state: SessionState): boolean {
  const { kind } = state.service;
  return (kind === "finishing" || kind === "hurrying") && isReadyForFrame(state);
}

/** Whether all that was asked for is done, and the name was given back if that was asked for. */
export function isFinished({ service: { kind } }: SessionState): boolean {
  return kind === "finished" || kind === "over";
}

export function isOver({ service }: SessionState): boolean {
  return service.kind === "over";
}

/** Whether a notice of the user's presence is about this session's time with the name. */
export function isOwnStory({ name }: SessionState, { at }: PresenceNotice): boolean {
  const had = hadOf(name);
  if (had === undefined || isDoubted(name)) return false;
  return isBefore(had.at, at);
}

function isDoubted(name: NameClaim): boolean {
  return (
    name.kind === "doubted" ||
    name.kind === "reclaiming" ||
    name.kind === "recontesting" ||
    ((name.kind === "releasing" || name.kind === "released") && !name.isSure)
  );
}

function hadOf(name: NameClaim): ClaimedName | undefined {
  switch (name.kind) {
    case "none":
    case "claiming":
    case "contesting":
      return undefined;
    default:
      return name;
  }
}
