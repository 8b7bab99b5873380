/** Whatever happens, and in whatever order, the invariants of src/session/invariants.ts hold. */
import { expect, test } from "vitest";
import type { Effect } from "#tertulia/session/effects.js";
import { brokenInvariants } from "#tertulia/session/invariants.js";
import { isHangingUp, isLive, isSure, takesAnswers } from "#tertulia/session/questions.js";
import type { SessionState } from "#tertulia/session/state.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";
import { BYTES, JSON_TRAITS, SETTINGS } from "./cell-samples.js";
import { describeSample, describeStep } from "./describe-cells.js";
import { Dice } from "./dice.js";
import { RandomSession, type Turn } from "./random-session.js";

const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const RUNS = Number(process.env["RUNS"] ?? 2_000);
const STEPS = 60;

const replicated = { ...SETTINGS, mustAwaitStore: true };
const limited = { ...SETTINGS, requestsPerSecond: 50 };

const kinds: Readonly<Record<string, readonly [(dice: Dice) => Traits, SessionSettings]>> = {
  bytes: [() => BYTES, SETTINGS],
  "bytes, replicated": [() => BYTES, replicated],
  JSON: [() => JSON_TRAITS, limited],
  "any dialect that the types allow": [anyTraits, limited],
  "any dialect, replicated": [anyTraits, replicated],
};

for (const [name, [traitsOf, settings]] of Object.entries(kinds)) {
  test(`the invariants hold in ${RUNS} random sessions of ${name}`, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const dice = new Dice(seed);
      const traits = traitsOf(dice);
      const session = new RandomSession(traits, settings, () => dice.next());
      const broken: string[] = [];
      for (let i = 0; i < STEPS; i++) {
        session.step();
        broken.push(...brokenInvariants(session.state));
      }
      session.feed();
      broken.push(...brokenPromises(session.turns));
      if (traits.catchesUp) broken.push(...brokenOrder(session));
      session.end();
      if (session.state.service.kind !== "over") broken.push("it never ends");
      const ends = session.turns.flatMap(({ effects }) =>
        effects.filter(({ type }) => type === "ended"),
      );
      if (ends.length !== 1) broken.push(`told of its end ${ends.length} times`);
      expect(broken, `seed ${seed}\n${storyOf(session.turns)}`).toEqual([]);
    }
  });
}

/** Traits of a dialect that nobody has written yet. */
function anyTraits(dice: Dice): Traits {
  const chosen = {
    mustGreet: dice.chance(0.5),
    settles: dice.chance(0.5),
    lingers: dice.chance(0.5),
    isRateLimited: dice.chance(0.5),
    ownMessage: dice.one(["any-time", "after-reply"] as const),
    slowReader: dice.one(["close", "cut"] as const),
    pinged: dice.one(["always", "if-offered"] as const),
    isToldOfDrain: dice.chance(0.5),
    afterDisconnect: dice.one(["messages", "all-but-queries"] as const),
    hearsOwnTyping: dice.chance(0.5),
  };
  if (dice.chance(0.5)) {
    return { ...chosen, catchesUp: true, nameInRequest: "introduced", afterHole: "resume" };
  }
  const nameInRequest = dice.one(["required", "claimed", "introduced"] as const);
  const afterHole = dice.one(["resume", "evict"] as const);
  return { ...chosen, catchesUp: false, nameInRequest, afterHole };
}

/** What is told, asked and done, over a whole run. */
function brokenPromises(turns: readonly Turn[]): string[] {
  const broken: string[] = [];
  let isClosed = false;
  let isCorked = true;
  let answers = 0;
  const asked = new Set<Effect["type"]>();
  for (const { input, before, after, effects } of turns) {
    if (input.type === "frame") answers = 0;
    if (input.type === "answered" || input.type === "failed") asked.clear();
    if (input.type === "resumed" || input.type === "pageRead") asked.clear();
    if (input.type === "pageTold") asked.clear();
    if (input.type === "claimAnswered") asked.delete("claim");
    for (const effect of effects) {
      if (isClosed && isTold(effect)) broken.push(`${effect.type} after the close`);
      if (effect.type === "close" || effect.type === "answerClose") isClosed = true;
      if (isAnswer(effect) && ++answers > 1) broken.push("a second answer to a request");
      if (isAsked(effect)) {
        if (asked.size > 0) broken.push(`${effect.type} while ${[...asked].join()} is under way`);
        asked.add(effect.type);
      }
      const isLookup = effect.type === "execute" && effect.command.type === "lookup";
      if (effect.type === "execute" && !isLookup && !isSure(after)) {
        broken.push("something is done in a name that is not held for sure");
      }
      if (effect.type === "unclaimed" && !effects.some(({ type }) => type === "forgetCorked")) {
        broken.push("what was held back for a name is kept after the claim failed");
      }
      if (effect.type === "claim" && effect.isAgain && (isHangingUp(before) || !isLive(before))) {
        broken.push("a client that closes claims a name after a contest");
      }
      if (effect.type === "cork" || effect.type === "uncork") isCorked = effect.type === "cork";
    }
    if (isServed(after) && !isServed(before)) broken.push("a session serves again");
    const isDoubted = ["doubted", "reclaiming", "recontesting"].includes(after.name.kind);
    if (isDoubted && !isCorked && takesAnswers(after.transport)) {
      broken.push("notices are sent while the name is in doubt");
    }
  }
  return broken;
}

/** Each message once, one after the other; and all of them, if the client has caught up. */
function brokenOrder({ told, from, isCurrent, turns }: RandomSession): string[] {
  const broken = told.flatMap((seq, i) => {
    const before = i === 0 ? from : told[i - 1]!;
    return seq === before + 1 ? [] : [`message ${seq} behind ${before}`];
  });
  const heard = turns.filter(({ input }) => input.type === "notice").length;
  if (isCurrent && heard > 0 && told.length === 0 && from === 0) broken.push("nothing was told");
  return broken;
}

function storyOf(turns: readonly Turn[]): string {
  const lines = turns.map(({ input, effects }) => {
    return `${describeSample(input, "type")}: ${describeStep({ effects })}`;
  });
  return lines.join("\n");
}

function isServed({ service }: SessionState): boolean {
  return service.kind === "serving" || service.kind === "finishing";
}

function isTold({ type }: Effect): boolean {
  return ["send", "sendAnswer", "push", "pushOutput", "pushMissed"].includes(type);
}

function isAnswer(effect: Effect): boolean {
  if (effect.type === "sendAnswer" || effect.type === "refuseFrame") return true;
  return effect.type === "send" && effect.output.type !== "going-away";
}

function isAsked({ type }: Effect): boolean {
  return ["execute", "claim", "resume", "readPage", "pushMissed"].includes(type);
}
