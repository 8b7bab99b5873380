/**
 * What must happen in a session, at once or in the end: requests are answered, who is asked to go goes, and nothing is
 * waited for that does not come. (What must never happen: promises.ts.)
 */
import type { Effect } from "#tertulia/session/effects.js";
import {
  isBroken,
  isClaimed,
  isFinished,
  isHangingUp,
  isLive,
  isUnoccupied,
  lingers,
  takesAnswers,
  takesNotices,
} from "#tertulia/session/questions.js";
import type { SessionState } from "#tertulia/session/state.js";
import type { Timer } from "#tertulia/session/timers.js";
import { isAnswer } from "./promises.js";
import type { RandomSession, Turn } from "./random-session.js";

/** What an input asks for, and did not get. */
export function notDone(turns: readonly Turn[]): string[] {
  return [...unanswered(turns), ...turns.flatMap(notDoneIn), ...stillFollowing(turns)];
}

/** Each frame is answered or, where PROTOCOL.md says so, ignored; or its client is closed or cut. */
function unanswered(turns: readonly Turn[]): string[] {
  const broken: string[] = [];
  let owed = 0;
  let isCut = false; // while the client's close frame waits for its answer, the state does not say so
  for (const { input, before, after, effects } of turns) {
    const isHeard = before.request.kind !== "signed-out" && before.request.kind !== "broken";
    if (input.type === "frame" && isHeard) owed++;
    const isDone = (effect: Effect): boolean => isAnswer(effect) || effect.type === "logIgnored";
    owed = Math.max(0, owed - answersIn(effects.filter(isDone)));
    isCut ||= effects.some(({ type }) => type === "terminate");
    if (!isUnoccupied(after)) continue;
    const isClosed = isCut || !takesAnswers(after.transport);
    if (owed > 0 && !isClosed) broken.push("a frame was not answered");
    owed = 0;
  }
  return broken;
}

/** A frame that could not be read is logged, and may get an answer besides. */
function answersIn(effects: readonly Effect[]): number {
  return effects.filter(
    ({ type }, i) => type !== "sendAnswer" || effects[i - 1]?.type !== "logIgnored",
  ).length;
}

function notDoneIn({ input, before, after, effects }: Turn): string[] {
  const has = (...types: Effect["type"][]): boolean =>
    effects.some(({ type }) => types.includes(type));
  const must = (isDone: boolean): string[] =>
    isDone ? [] : [`${input.type} while ${before.transport.kind}, ${before.name.kind}: no effect`];
  const { kind } = before.transport;
  const isAwaited = kind === "peer-closing" || kind === "both-closing";
  if (isAwaited && after.service.kind === "finished" && before.service.kind !== "finished") {
    return must(has("answerClose"));
  }
  if (after.name.kind === "lost" && before.name.kind !== "lost") return must(has("forgetRequests"));
  const isOpen = kind === "settling" || kind === "open";
  if (isFarewell(input) && after.comeback.kind !== "none") return must(false);
  switch (input.type) {
    case "upgraded":
      if (kind === "closed") return must(has("terminate"));
      return before.transport.ending === undefined ? [] : must(has("close", "terminate"));
    case "frame":
      return must(after.transport.kind !== "settling");
    case "timer":
      return must(isTimeKept(input.timer, before, after, has));
    case "broken":
      return must(isBroken(after) && (!isOpen || has("terminate")));
    case "close":
      if (kind === "upgrading") return must(after.transport.ending !== undefined);
      return isOpen || kind === "peer-closing" ? must(has("close")) : [];
    case "cut":
      if (kind === "upgrading") return must(after.transport.ending !== undefined);
      return kind === "closed" ? [] : must(has("terminate"));
    case "slow":
      if (kind === "upgrading") return must(after.transport.ending !== undefined);
      return isOpen || kind === "peer-closing" ? must(has("close", "terminate")) : [];
    case "closeReceived":
      return kind === "peer-closing" || isHangingUp(after) ? [] : must(false);
    case "abandon":
      return before.service.kind === "over" ? [] : must(has("forgetRequests") && !isLive(after));
    case "suspend":
      return must(after.name.kind !== "held" && (!("isSure" in after.name) || !after.name.isSure));
    case "reclaim": {
      const isWanted = ["held", "doubted", "reclaiming", "recontesting"].includes(before.name.kind);
      const isGoing = !isLive(before) || before.request.kind === "signing-out";
      return isWanted && !isGoing ? must(has("reclaim")) : [];
    }
    case "nudge":
      return isLive(before) && isClaimed(before) && takesAnswers(before.transport)
        ? must(has("pushOutput"))
        : [];
    case "goAway":
      return before.traits.isToldOfDrain && takesAnswers(before.transport) ? must(has("send")) : [];
    case "notice":
      return must(!isUnheard(input.notice, before, after, effects));
    default:
      return [];
  }
}

/** Whether the client says that it does not come back. */
function isFarewell(input: Turn["input"]): boolean {
  switch (input.type) {
    case "closeReceived":
    case "socketClosed":
      return input.code === 1000;
    case "decoded":
      return input.decoded.kind === "request" && input.decoded.request.type === "bye";
    default:
      return false;
  }
}

function isTimeKept(
  timer: Timer,
  { transport, service, name }: SessionState,
  after: SessionState,
  has: (...types: Effect["type"][]) => boolean,
): boolean {
  switch (timer) {
    case "settle":
      return after.transport.kind !== "settling";
    case "hello": {
      const isThere = transport.kind === "settling" || transport.kind === "open";
      const isNameless = ["none", "claiming", "contesting"].includes(name.kind);
      return !isThere || !isNameless || has("close");
    }
    case "patience":
      return service.kind !== "finishing" || (has("forgetRequests") && !isLive(after));
    case "answer":
      return after.transport.kind !== "peer-closing" && after.transport.kind !== "both-closing";
    default:
      return true;
  }
}

/** Whether the client should have got a notice, or been closed for a hole, and was not. */
function isUnheard(
  notice: Extract<Turn["input"], { type: "notice" }>["notice"],
  before: SessionState,
  after: SessionState,
  effects: readonly Effect[],
): boolean {
  const { delivery, traits, transport } = before;
  if (!takesNotices(transport) || delivery.kind === "severed") return false;
  const isClosed = !takesNotices(after.transport) || after.transport.ending !== undefined;
  if (notice.type === "gap") {
    if (traits.afterHole === "resume") return !isClosed;
    return notice.hasMissed && after.delivery.kind !== "severed";
  }
  if (notice.type !== "message" || delivery.kind !== "flowing" || delivery.told.size > 0) {
    return false;
  }
  return !isClosed && !effects.some(({ type }) => type === "push");
}

/** A client that is gone follows nobody. */
function stillFollowing(turns: readonly Turn[]): string[] {
  let isFollowing = false;
  for (const { after, effects } of turns) {
    for (const { type } of effects) {
      if (type === "follow" || type === "unfollow") isFollowing = type === "follow";
    }
    if (isFollowing && after.transport.kind === "closed") return ["a client that is gone follows"];
  }
  return [];
}

/** What is not done although all that was asked is answered, and all timers have run out. */
export function leftUndone({ state, turns }: RandomSession): string[] {
  const has = (type: Effect["type"]): boolean =>
    turns.some(({ effects }) => effects.some((effect) => effect.type === type));
  const put = (type: Turn["input"]["type"]): boolean =>
    turns.some(({ input }) => input.type === type);
  const { transport, request, name, service, traits } = state;
  const isGone = transport.kind === "closed";
  const isThere = transport.kind === "settling" || transport.kind === "open";
  const wasRefused = turns.some(
    ({ input }) => input.type === "releaseAnswered" && !input.isReleased,
  );
  const rules: Readonly<Record<string, boolean>> = {
    "a request is under way, and nothing is waited for": !isUnoccupied(state),
    "a claim is under way, and nothing is waited for": [
      "claiming",
      "contesting",
      "reclaiming",
      "recontesting",
      "releasing",
    ].includes(name.kind),
    "nothing is written to a client that can read": transport.kind === "settling",
    "a close frame is not answered":
      transport.kind === "peer-closing" || transport.kind === "both-closing",
    "a client that does not answer a close is not cut":
      has("close") && !isGone && !has("terminate"),
    "a client that says nothing is not closed":
      traits.mustGreet && isThere && !isClaimed(state) && !put("leave"),
    "a client that has signed out is not closed": request.kind === "signed-out" && isThere,
    "who has left is not finished": put("leave") && !isFinished(state),
    "who has left keeps its name":
      put("leave") && !isGone && !lingers(state) && name.kind === "held" && !wasRefused,
    "requests are waited for that do not come":
      service.kind === "finishing" || service.kind === "hurrying",
    "a connection is gone, and it is not over": isGone && service.kind !== "over",
  };
  return Object.keys(rules).filter((rule) => rules[rule]);
}
