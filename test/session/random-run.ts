/** A random session from its beginning to its end, and which promises it has broken. */
import { brokenInvariants } from "#tertulia/session/invariants.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";
import { BYTES, JSON_TRAITS, SETTINGS } from "./cell-samples.js";
import { describeSample, describeStep } from "./describe-cells.js";
import { Dice } from "./dice.js";
import { leftUndone, notDone } from "./liveness.js";
import { brokenOrder, brokenPromises } from "./promises.js";
import { RandomSession } from "./random-session.js";

const STEPS = 60;

const replicated = { ...SETTINGS, mustAwaitStore: true };

export type Kind = readonly [(dice: Dice) => Traits, SessionSettings];

export const KINDS: Readonly<Record<string, Kind>> = {
  bytes: [() => BYTES, SETTINGS],
  "bytes, replicated": [() => BYTES, replicated],
  JSON: [() => JSON_TRAITS, SETTINGS],
  "any dialect that the types allow": [anyTraits, SETTINGS],
  "any dialect, replicated": [anyTraits, replicated],
};

interface Run {
  readonly broken: readonly string[];
  readonly story: string;
}

export function randomRun(seed: number, [traitsOf, settings]: Kind): Run {
  const dice = new Dice(seed);
  const traits = traitsOf(dice);
  const session = new RandomSession(traits, settings, () => dice.next());
  const broken: string[] = [];
  for (let i = 0; i < STEPS; i++) {
    session.step();
    broken.push(...brokenInvariants(session.state));
  }
  session.feed();
  if (traits.catchesUp) broken.push(...brokenOrder(session));
  // others end in the midst of everything
  if (dice.chance(0.5)) {
    session.settle();
    broken.push(...leftUndone(session));
  }
  session.end();
  broken.push(...brokenPromises(session.turns), ...notDone(session.turns));
  if (session.state.service.kind !== "over") broken.push("W7: it never ends");
  const ends = session.turns.flatMap(({ effects }) =>
    effects.filter(({ type }) => type === "ended"),
  );
  if (ends.length !== 1) broken.push(`W7: told of its end ${ends.length} times`);
  return { broken, story: storyOf(session) };
}

function storyOf({ turns }: RandomSession): string {
  const lines = turns.map(({ input, effects }) => {
    return `${describeSample(input, "type")}: ${describeStep({ effects })}`;
  });
  return lines.join("\n");
}

/** Traits of a dialect that nobody has written yet. */
function anyTraits(dice: Dice): Traits {
  const chosen = {
    mustGreet: dice.chance(0.5),
    settles: dice.chance(0.5),
    lingers: dice.chance(0.5),
    whenTooFast: dice.one(["refuse", "wait"] as const),
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
