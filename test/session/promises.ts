/** The promises of a session, over a whole run: what must never happen. What must happen in the end: liveness.ts. */
import { SENDS, type Effect } from "#tertulia/session/effects.js";
import {
  isHangingUp,
  isLive,
  isSure,
  isUnoccupied,
  takesAnswers,
} from "#tertulia/session/questions.js";
import type { Ref } from "#tertulia/session/requests.js";
import type { SessionState } from "#tertulia/session/state.js";
import type { RandomSession, Turn } from "./random-session.js";

/** What is told, asked and done, over a whole run. */
export function brokenPromises(turns: readonly Turn[]): string[] {
  const broken: string[] = [];
  let isClosed = false;
  let isCorked = true;
  let owed = 0;
  /** Of the frames that were read and are not answered yet. */
  let refs: Ref[] = [];
  let storing = 0;
  const asked = new Set<Effect["type"]>();
  for (const { input, before, after, effects } of turns) {
    if (input.type === "frame") {
      owed = isUnoccupied(before) ? 1 : owed + 1;
      if (isUnoccupied(before)) refs = [];
    }
    if (input.type === "decoded") {
      refs.push("ref" in input.decoded ? input.decoded.ref : undefined);
    }
    if ((input.type === "answered" || input.type === "failed") && --storing <= 0) asked.clear();
    if (input.type === "resumed" || input.type === "pageRead") asked.clear();
    if (input.type === "pageTold") asked.clear();
    if (input.type === "claimAnswered") asked.delete("claim");
    for (const effect of effects) {
      if (isClosed && SENDS[effect.type]) broken.push(`W1: ${effect.type} after the close`);
      if (effect.type === "close" || effect.type === "answerClose") isClosed = true;
      if (isAnswer(effect)) {
        if (--owed < 0) broken.push("W4: a second answer to a request");
        const [ref, due] = [refIn(effect), refs.shift()];
        if (effect.type !== "sendAnswer" && ref !== due)
          broken.push(`W4: request ${ref} is answered, and ${due} is due`);
      }
      if (isAsked(effect)) {
        const isBehind = before.request.kind === "storing" && after.request.kind === "storing";
        if (asked.size > 0 && !isBehind)
          broken.push(`W4, W6: ${effect.type} while ${[...asked].join()} is under way`);
        asked.add(effect.type);
        storing = isBehind ? storing + 1 : 1;
      }
      const isLookup = effect.type === "execute" && effect.command.type === "lookup";
      if (effect.type === "execute" && !isLookup && !isSure(after)) {
        broken.push("W5: something is done in a name that is not held for sure");
      }
      if (effect.type === "unclaimed" && !effects.some(({ type }) => type === "forgetCorked")) {
        broken.push("W3: what was held back for a name is kept after the claim failed");
      }
      if (effect.type === "claim" && effect.isAgain && (isHangingUp(before) || !isLive(before))) {
        broken.push("W6: a client that closes claims a name after a contest");
      }
      if (effect.type === "cork" || effect.type === "uncork") isCorked = effect.type === "cork";
    }
    if (isServed(after) && !isServed(before)) broken.push("W8: a session serves again");
    const isDoubted = ["doubted", "reclaiming", "recontesting"].includes(after.name.kind);
    if (isDoubted && !isCorked && takesAnswers(after.transport)) {
      broken.push("W5: notices are sent while the name is in doubt");
    }
  }
  return broken;
}

/** Each message once, one after the other; and all of them, if the client has caught up. */
export function brokenOrder({ told, from, isCurrent, turns }: RandomSession): string[] {
  const broken = told.flatMap((seq, i) => {
    const before = i === 0 ? from : told[i - 1]!;
    return seq === before + 1 ? [] : [`W2: message ${seq} behind ${before}`];
  });
  const heard = turns.filter(({ input }) => input.type === "notice").length;
  if (isCurrent && heard > 0 && told.length === 0 && from === 0)
    broken.push("W2: nothing was told");
  return broken;
}

function isServed({ service }: SessionState): boolean {
  return service.kind === "serving" || service.kind === "finishing";
}

export function isAnswer(effect: Effect): boolean {
  switch (effect.type) {
    case "send":
      return effect.output.type !== "going-away";
    case "sendAnswer":
    case "refuseFrame":
    case "follow":
      return true;
    default:
      return false;
  }
}

/** The ref of the request that it answers. A frame that was too fast was not read, and has none. */
function refIn(effect: Effect): Ref {
  if (effect.type === "follow") return effect.ref;
  return effect.type === "send" && "ref" in effect.output ? effect.output.ref : undefined;
}

function isAsked({ type }: Effect): boolean {
  return ["execute", "beginLogin", "claim", "resume", "readPage", "pushMissed"].includes(type);
}
