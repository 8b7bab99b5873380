/**
 * The name of a session: claimed, perhaps in doubt for a while, then claimed again, given back or lost.
 *
 *     none ─claim→ claiming ─granted→ held           claiming ─refused, kept, failed→ none
 *     claiming ─taken→ contesting ─may be free→ claiming (once more)     contesting ─is not→ none
 *     held ─suspend→ doubted ─reclaim→ reclaiming ─kept→ held            reclaiming ─suspend, failed→ doubted
 *     reclaiming ─taken, in older data→ recontesting ─may be free→ reclaiming
 *     reclaiming, recontesting ─taken→ lost
 *     held, in doubt ─release→ releasing ─released→ released              releasing ─failed→ held, doubted
 *     held, in doubt ─signedOut→ released
 */
import type { RefusalDetails, RuleRefusal } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { IdentityRefusal } from "../chat/identity.js";
import type { Effect } from "./effects.js";
import type { InputOf } from "./inputs.js";
import { isBroken, isHangingUp, isLive, isOwnStory } from "./questions.js";
import { reclaim, reclaimAnswered, recontestDecided, suspend, unsure } from "./reclaim.js";
import type { ClaimedName, NameClaim, SessionState } from "./state.js";
import { ignored, impossible, raise, stay, step, type Step, type Table } from "./table.js";
import type { PresenceNotice } from "./requests.js";

type Concern =
  | "claim"
  | "claimAnswered"
  | "contestDecided"
  | "socketClosed"
  | "suspend"
  | "reclaim"
  | "reclaimAnswered"
  | "release"
  | "releaseAnswered"
  | "signedOut"
  | "notice"
  | "nudge"
  | "broken"
  | "timer";

type Of<Kind extends NameClaim["kind"]> = Extract<NameClaim, { kind: Kind }>;

/** A session without a name. */
const nameless = {
  suspend: ignored,
  reclaim: ignored,
  reclaimAnswered: impossible,
  releaseAnswered: impossible,
  signedOut: impossible,
  notice: ignored,
  nudge: ignored,
  broken: ignored,
  timer: noHello,
} as const;

/** A session that has had a name claims no other. */
const claimed = {
  claim: impossible,
  claimAnswered: impossible,
  socketClosed: ignored,
  broken: ignored,
  timer: ignored,
} as const;

/** A name in doubt. Notices about it may be about another session. */
const doubtful = {
  ...claimed,
  suspend,
  reclaim,
  reclaimAnswered,
  release,
  releaseAnswered: impossible,
  signedOut: given,
  notice: ignored,
  nudge,
} as const;

/** A name that is being given back, or is gone. Late answers have no effect. */
const left = {
  ...claimed,
  contestDecided: ignored,
  reclaim: ignored,
  reclaimAnswered: ignored,
  signedOut: ignored,
  nudge: ignored,
} as const;

export const nameTable: Table<NameClaim, Concern> = {
  none: {
    ...nameless,
    claim: (_, { name, written, key, keep, shown }) =>
      step(
        { kind: "claiming", name, isAgain: false },
        { type: "claim", name, written, key, keep, shown, isAgain: false },
      ),
    claimAnswered: (region, input, state) =>
      isBroken(state) ? ignored() : impossible(region, input), // the claim was given up
    contestDecided: ignored, // the claim was given up meanwhile
    socketClosed: ignored,
    release: () => raise({ type: "left", isOut: true }),
  },
  claiming: {
    ...nameless,
    claim: impossible,
    claimAnswered,
    contestDecided: ignored, // the claim was given up meanwhile
    socketClosed: ignored,
    release: impossible,
    // it may have succeeded, or yet succeed
    broken: ({ name }) => ({
      ...step<NameClaim>({ kind: "none" }, { type: "unclaimed", name, isUnsure: true }),
      ...raise({ type: "forget" }),
    }),
  },
  contesting: {
    ...nameless,
    claim: impossible,
    claimAnswered: impossible,
    contestDecided,
    // nobody is there any more who wants the name
    socketClosed: () => ({ ...step<NameClaim>({ kind: "none" }), ...settled("taken") }),
    release: impossible,
    broken: () => step({ kind: "none" }),
  },
  held: {
    ...claimed,
    contestDecided: ignored,
    suspend,
    reclaim,
    reclaimAnswered,
    release,
    releaseAnswered: impossible,
    signedOut: given,
    notice: ownPresence,
    nudge,
  },
  doubted: { ...doubtful, contestDecided: ignored },
  reclaiming: { ...doubtful, contestDecided: ignored },
  recontesting: { ...doubtful, contestDecided: recontestDecided },
  releasing: { ...left, suspend: unsure, notice: ownPresence, release: ignored, releaseAnswered },
  released: {
    ...left,
    suspend: unsure,
    notice: ownPresence,
    release: () => raise({ type: "left", isOut: true }),
    releaseAnswered: impossible,
  },
  lost: {
    ...left,
    suspend: ignored,
    notice: ignored,
    release: () => raise({ type: "left", isOut: true }),
    releaseAnswered: impossible,
  },
};

function claimAnswered(
  { name, isAgain }: Of<"claiming">,
  { answer }: InputOf<"claimAnswered">,
  state: SessionState,
): Step<NameClaim> {
  switch (answer.outcome) {
    case "new":
    case "back":
    case "joined":
      return {
        ...step<NameClaim>({ kind: "held", name, at: answer.at, status: "active" }),
        ...settled(answer.outcome),
      };
    case "taken": {
      const unclaimed: Effect = { type: "unclaimed", name, isUnsure: false };
      if (isAgain || state.transport.kind === "closed") {
        return {
          ...step<NameClaim>({ kind: "none" }, unclaimed),
          raise: [{ type: "forget" }, { type: "claimSettled", outcome: "taken" }],
        };
      }
      const contest: Effect = { type: "contest", name };
      return {
        ...step<NameClaim>({ kind: "contesting", name }, unclaimed, contest),
        ...raise({ type: "forget" }),
      };
    }
    case "unavailable":
    case "bug":
      return {
        ...step<NameClaim>({ kind: "none" }, { type: "unclaimed", name, isUnsure: true }),
        raise: [{ type: "forget" }, { type: "claimSettled", outcome: answer.outcome }],
      };
    // also if it was refused by a rule, before the session was to get the name's notices: who knows which refusals do not
    default: {
      const { outcome, details } = answer;
      outcome satisfies RuleRefusal | IdentityRefusal | "kept" | "too_fast";
      return {
        ...step<NameClaim>({ kind: "none" }, { type: "unclaimed", name, isUnsure: false }),
        raise: [{ type: "forget" }, ...settled(outcome, details).raise!],
      };
    }
  }
}

function settled(
  outcome: InputOf<"claimSettled">["outcome"],
  details?: RefusalDetails,
): Step<never> {
  return raise({ type: "claimSettled", outcome, ...(details && { details }) });
}

/** A client that is closing must not get the name: nobody would use it. */
function contestDecided(
  { name }: Of<"contesting">,
  { mayBeFree }: InputOf<"contestDecided">,
  state: SessionState,
): Step<NameClaim> {
  const isTried = mayBeFree && !isHangingUp(state) && isLive(state);
  if (!isTried) return { ...step<NameClaim>({ kind: "none" }), ...settled("taken") };
  const nothing = { written: undefined, key: undefined, keep: undefined, shown: undefined };
  const again = { isAgain: true, ...nothing };
  return step<NameClaim>(
    { kind: "claiming", name, isAgain: true },
    { type: "claim", name, ...again },
  );
}

/** A frame that every client understands, and that changes nothing for it. */
function nudge({ name, status }: ClaimedName): Step<never> {
  const reply = { type: "unchanged", user: { name, status } } as const;
  return stay({ type: "pushOutput", output: { type: "reply", ref: undefined, reply } });
}

function releaseAnswered(
  region: Of<"releasing">,
  { isReleased }: InputOf<"releaseAnswered">,
): Step<NameClaim> {
  const { name, at, status, isSure } = region;
  const told = raise({ type: "left", isOut: isReleased });
  if (isReleased) return { ...given(region), ...told };
  return { ...step<NameClaim>({ kind: isSure ? "held" : "doubted", name, at, status }), ...told };
}

function release({
  kind,
  name,
  at,
  status,
}: Of<"held" | "doubted" | "reclaiming" | "recontesting">): Step<NameClaim> {
  const next = { kind: "releasing", name, at, status, isSure: kind === "held" } as const;
  return step<NameClaim>(next, { type: "release" });
}

/** The store has signed the session out. */
function given(
  region: Of<"held" | "doubted" | "reclaiming" | "recontesting" | "releasing">,
): Step<NameClaim> {
  const { kind, name, at, status } = region;
  const isSure = kind === "releasing" ? region.isSure : kind === "held";
  return step<NameClaim>({ kind: "released", name, at, status, isSure }, { type: "left", name });
}

/** A presence notice about the name, from the time in which this session has held it. */
function ownPresence(
  region: Of<"held" | "releasing" | "released">,
  { notice }: InputOf<"notice">,
  state: SessionState,
): Step<NameClaim> {
  if (!isAbout(region.name, notice) || !isOwnStory(state, notice)) return ignored();
  const { status } = notice.user;
  const effects: Effect[] = [{ type: "logStatus", notice }];
  // the notice may be faster than the store's answer to the sign-out, or the answer may be lost
  if (status === "disconnected" && !isLive(state)) {
    effects.unshift({ type: "left", name: region.name });
  }
  return step<NameClaim>({ ...region, status }, ...effects);
}

function isAbout(name: string, notice: Notice): notice is PresenceNotice {
  return notice.type === "presence" && notice.user.name === name;
}

function noHello(_: NameClaim, { timer }: InputOf<"timer">): Step<never> {
  return timer === "hello" ? raise({ type: "close", why: "noHello" }) : ignored();
}
