/** Questions about a session, answered from its state. */
import { isBefore } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import type { ClaimedName, NameClaim, SessionState, Transport } from "./state.js";
import type { PresenceNotice } from "./requests.js";

/** So many messages of a session are stored at the same time: what comes meanwhile waits in the queue. */
const MOST_PENDING = 64;

/** The name that is claimed, held, or was held. */
export function nameOf({ name }: SessionState): Name | undefined {
  return name.kind === "none" || name.kind === "contesting" ? undefined : name.name;
}

/** Whether a claim has succeeded. The name may be in doubt, given back or lost since. */
export function isClaimed({ name }: SessionState): boolean {
  return hadOf(name) !== undefined;
}

/** Whether commands may be executed in the name. */
export function isLive({ service, name }: SessionState): boolean {
  const isServed = service.kind === "serving" || service.kind === "finishing";
  return isServed && name.kind !== "released" && name.kind !== "lost";
}

/** Whether the name is held beyond doubt. */
export function isSure(state: SessionState): boolean {
  return state.name.kind === "held" && isLive(state);
}

/** Whether the name was given back. */
export function hasLeft({ name }: SessionState): boolean {
  return name.kind === "released";
}

/** Whether the name is kept for a while after the connection is closed. */
export function lingers(state: SessionState): boolean {
  return state.comeback.kind === "expected" && isClaimed(state);
}

/** The user's status, as far as the feed has told. */
export function statusOf({ name }: SessionState): Status {
  return hadOf(name)?.status ?? "active";
}

/** Whether the client missed notices and cannot be told so. */
export function hasHole({ delivery }: SessionState): boolean {
  return delivery.kind === "severed";
}

/** Whether the session leaves or is being closed, for whatever reason. */
export function isGoing({ service, transport }: SessionState): boolean {
  return service.kind !== "serving" || transport.ending !== undefined;
}

/** Whether it was closed for its frames: those behind the last strike are not looked at. */
export function hasStruckOut({ transport: { ending } }: SessionState): boolean {
  return ending?.by === "node" && (ending.why === "badFrames" || ending.why === "tooFast");
}

/** Whether the client has closed, or is closing. */
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

/** Whether the client still gets answers. */
export function takesAnswers({ kind }: Transport): boolean {
  return kind === "settling" || kind === "open" || kind === "peer-closing";
}

/** Whether the client still gets notices, at once or later. */
export function takesNotices({ kind }: Transport): boolean {
  return kind === "open" || kind === "settling" || kind === "upgrading";
}

/** Whether pushed frames are held back. */
export function isCorked({ traits, transport, name, request }: SessionState): boolean {
  if (transport.kind === "upgrading" || transport.kind === "settling") return true;
  if (request.kind === "holding-back") return true;
  switch (name.kind) {
    case "claiming":
    case "contesting":
      return !traits.catchesUp; // otherwise notices are buffered until it has caught up
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

/** Whether a bug was found: the session only comes to its end. */
export function isBroken({ request }: SessionState): boolean {
  return request.kind === "broken";
}

/** Which frame may be taken from the request queue: any, only a message to everybody, or none. */
export function allowedFrame(state: SessionState): "any" | "to-all" | undefined {
  const { request } = state;
  if (isUnoccupied(state)) return "any";
  if (request.kind !== "storing" || !isSure(state)) return undefined;
  return request.pending.length < MOST_PENDING && request.tooFastMs === undefined
    ? "to-all"
    : undefined;
}

/** Whether no request is under way. */
export function isUnoccupied({ request: { kind } }: SessionState): boolean {
  return kind === "fresh" || kind === "idle" || kind === "signed-out" || kind === "broken";
}

/** Whether the session only waits for its request queue to be empty. */
export function mustDrain(state: SessionState): boolean {
  const { kind } = state.service;
  return (kind === "finishing" || kind === "hurrying") && isUnoccupied(state);
}

/** Whether all requests are done, and the name was given back if it had to be. */
export function isFinished({ service: { kind } }: SessionState): boolean {
  return kind === "finished" || kind === "over";
}

export function isOver({ service }: SessionState): boolean {
  return service.kind === "over";
}

/** Whether a presence notice about the name is from the time in which this session has held it. */
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
