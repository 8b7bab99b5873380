/** Reclaiming: the cluster may have given the name away, so it is claimed again, and contested if the data may be older. */
import { isBefore } from "../chat/events.js";
import type { ReclaimAnswer } from "./answers.js";
import type { Effect } from "./effects.js";
import type { InputOf } from "./inputs.js";
import { isHangingUp, isLive } from "./questions.js";
import type { ClaimedName, NameClaim, SessionState } from "./state.js";
import { ignored, raise, stay, step, type Step } from "./table.js";

/** So many contests, of up to 4 s each, outlast the leases in data that is older. */
const CONTESTS = 3;

type Of<Kind extends NameClaim["kind"]> = Extract<NameClaim, { kind: Kind }>;

/** A session that is signing out does not want its name back. */
export function reclaim(
  region: Of<"held" | "doubted" | "reclaiming" | "recontesting">,
  { mayBeOlder }: InputOf<"reclaim">,
  state: SessionState,
): Step<NameClaim> {
  if (!isLive(state) || state.request.kind === "signing-out") return ignored();
  const effect: Effect = { type: "reclaim", mayBeOlder, round: state.doubts };
  if (region.kind === "held") return stay(effect);
  return step<NameClaim>({ ...region, kind: "reclaiming", contestsLeft: undefined }, effect);
}

export function reclaimAnswered(
  region: Of<"held" | "doubted" | "reclaiming" | "recontesting">,
  { answer, mayBeOlder, round }: InputOf<"reclaimAnswered">,
  state: SessionState,
): Step<NameClaim> {
  const { name, at, status } = region;
  if (round !== state.doubts) return outdated(region, answer);
  switch (answer.outcome) {
    case "kept": {
      const held = step<NameClaim>({ kind: "held", name, at: answer.at ?? at, status });
      return region.kind === "held" ? held : { ...held, ...raise({ type: "sure" }) };
    }
    case "taken": {
      if (!isLive(state)) return region.kind === "held" ? ignored() : step(doubted(region));
      const contestsLeft = contestsLeftOf(region) ?? CONTESTS;
      if (!mayBeOlder || contestsLeft === 0) return lost(region);
      const next = { kind: "recontesting", name, at, status, contestsLeft } as const;
      return step<NameClaim>(next, { type: "contest", name });
    }
    case "unavailable":
    case "bug": {
      if (region.kind !== "reclaiming") return ignored();
      // within a contest: try the next one; otherwise the caller gets the error, and calls again
      const { contestsLeft } = region;
      if (contestsLeft === undefined || !isLive(state)) return step(doubted(region));
      if (contestsLeft === 0) return lost(region);
      const next = { kind: "recontesting", name, at, status, contestsLeft } as const;
      return step<NameClaim>(next, { type: "contest", name });
    }
    default:
      return answer satisfies never;
  }
}

/** Undefined if there is no contest. */
function contestsLeftOf(
  region: Of<"held" | "doubted" | "reclaiming" | "recontesting">,
): number | undefined {
  return region.kind === "reclaiming" ? region.contestsLeft : undefined;
}

/** The claim was made before the last doubt: what was true then may not be true any more. */
function outdated(region: ClaimedName, { outcome, ...answer }: ReclaimAnswer): Step<NameClaim> {
  const at = outcome === "kept" && "at" in answer ? answer.at : undefined;
  return at !== undefined && isBefore(region.at, at) ? step({ ...region, at }) : ignored();
}

/** In doubt, perhaps again. The gateway claims the name after each time. */
export function suspend(
  region: Of<"held" | "doubted" | "reclaiming" | "recontesting">,
  _: InputOf<"suspend">,
  { doubts }: SessionState,
): Step<NameClaim> {
  return { ...step(doubted(region)), patch: { doubts: doubts + 1 } };
}

export function recontestDecided(
  region: Of<"recontesting">,
  { mayBeFree }: InputOf<"contestDecided">,
  state: SessionState,
): Step<NameClaim> {
  if (!isLive(state)) return step(doubted(region)); // the session has left meanwhile
  if (!mayBeFree || isHangingUp(state)) return lost(region);
  const contestsLeft = region.contestsLeft - 1;
  return step<NameClaim>(
    { ...region, kind: "reclaiming", contestsLeft },
    { type: "reclaim", mayBeOlder: true, round: state.doubts },
  );
}

function lost({ name, at, status }: ClaimedName): Step<NameClaim> {
  return {
    ...step<NameClaim>({ kind: "lost", name, at, status }, { type: "logLost" }),
    raise: [{ type: "lost" }, { type: "forget" }, { type: "close", why: "replaced" }],
  };
}

export function unsure(region: Of<"releasing" | "released">): Step<NameClaim> {
  return step({ ...region, isSure: false });
}

function doubted({ name, at, status }: ClaimedName): NameClaim {
  return { kind: "doubted", name, at, status };
}
