/**
 * The request of a session that is being carried out. The next frame is taken when it is done; while messages to
 * everybody are being stored, before (storing.ts).
 */
import type { Reply } from "../chat/commands.js";
import { answer, carryOut, claimed, decoded, done, fail, refuse, tooFast } from "./carry-out.js";
import { afterPage, beginAt, tellPage, type CatchUpStep } from "./catch-up.js";
import type { Effect } from "./effects.js";
import type { InputOf } from "./inputs.js";
import { takesAnswers } from "./questions.js";
import type { RequestState, SessionState } from "./state.js";
import { decodedBehind, firstAnswered, frameBehind } from "./storing.js";
import { ignored, impossible, preceded, raise, step, type Step, type Table } from "./table.js";

type Concern =
  | "claim"
  | "frame"
  | "decoded"
  | "claimSettled"
  | "answered"
  | "failed"
  | "resumed"
  | "pageRead"
  | "pageTold"
  | "sure"
  | "fence"
  | "lost"
  | "left"
  | "heardOfSignOut"
  | "broken"
  | "timer";

const stopDoubt: Effect = { type: "stopTimer", timer: "doubt" };

type Of<Kind extends RequestState["kind"]> = Extract<RequestState, { kind: Kind }>;

/** Answers for which no request waits. */
const unasked = {
  claimSettled: impossible,
  answered: impossible,
  failed: impossible,
  resumed: impossible,
  pageRead: impossible,
  pageTold: impossible,
} as const;

/** While a request is under way, no other one begins. */
const busy = { claim: impossible, frame: impossible, decoded: impossible } as const;

/** Events of the other regions that do not affect the request. */
const unconcerned = {
  sure: ignored,
  fence: ignored,
  lost: ignored,
  left: ignored,
  heardOfSignOut: ignored,
  broken: giveAllUp,
  timer: ignored,
} as const;

export const requestTable: Table<RequestState, Concern> = {
  fresh: {
    ...unasked,
    ...unconcerned,
    claim: (_, { claimant }) => step({ kind: "claiming", claimant }),
    frame,
    decoded: impossible,
  },
  idle: {
    ...unasked,
    ...unconcerned,
    claim: impossible,
    frame,
    decoded: impossible,
  },
  reading: {
    ...unasked,
    ...unconcerned,
    // raised by a register or hello
    claim: (_, { claimant }) => step({ kind: "claiming", claimant }),
    frame: impossible,
    decoded: (_, { decoded: what }, state) => decoded(what, state),
  },
  waiting: {
    ...busy,
    ...unasked,
    ...unconcerned,
    sure: ({ command, ref }, _, state) => preceded(carryOut(command, ref, state), stopDoubt),
    fence: giveUp,
    lost: giveUp,
    broken: () => preceded(giveAllUp(), stopDoubt),
    timer: ({ command, ref }, { timer }) =>
      timer === "doubt" ? refuse(ref, "unavailable", command) : ignored(),
  },
  executing: {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ command, ref }, { reply }) => answer(ref, reply, command),
    failed: ({ command, ref }, { why }) => fail(ref, why, command),
  },
  storing: {
    ...unasked,
    ...unconcerned,
    claim: impossible,
    frame: frameBehind,
    decoded: decodedBehind,
    answered: (region, { reply }, state) =>
      firstAnswered(region, ({ ref, command }) => answer(ref, reply, command), state),
    failed: (region, { why }, state) =>
      firstAnswered(region, ({ ref, command }) => fail(ref, why, command), state),
  },
  "holding-back": {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ command, ref }, { reply }) => answer(ref, reply, command),
    failed: ({ command, ref }, { why }) => fail(ref, why, command),
  },
  registering: {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ name, ref }, { reply }) => {
      const isFound = reply.type === "user";
      const registered: Reply = isFound ? { type: "registered", user: reply.user } : reply;
      return answer(ref, registered, { type: "register", name });
    },
    failed: ({ name, ref }, { why }) => fail(ref, why, { type: "register", name }),
  },
  claiming: {
    ...busy,
    ...unasked,
    ...unconcerned,
    claimSettled: ({ claimant }, { outcome, details }) => claimed(claimant, outcome, details),
    broken: ({ claimant }) => {
      if (claimant.type !== "handshake") return giveAllUp();
      return preceded(giveAllUp(), { type: "claimed", outcome: "bug" });
    },
  },
  "logging-in": {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ asked, ref }, { reply }) => answer(ref, reply, asked),
    failed: ({ asked, ref }, { why }) => fail(ref, why, asked),
  },
  "restoring-status": {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ hello, ref }) =>
      step({ kind: "resuming", ref }, { type: "resume", cursors: hello.cursors }),
    failed: comeAgain,
  },
  resuming: {
    ...busy,
    ...unasked,
    ...unconcerned,
    failed: comeAgain,
    resumed: ({ ref }, { conversations }, { transport }) => {
      if (!takesAnswers(transport)) return step(done);
      return preceded(
        goOn(beginAt(conversations, 0)),
        { type: "logResumed", conversations },
        { type: "send", output: { type: "welcome", ref, conversations } },
      );
    },
  },
  "catching-up": {
    ...busy,
    ...unasked,
    ...unconcerned,
    pageRead: ({ progress }, { page }, { transport }) =>
      takesAnswers(transport) ? goOn(tellPage(progress, page)) : step(done),
    pageTold: ({ progress }, _, { transport }) =>
      takesAnswers(transport) ? goOn(afterPage(progress)) : step(done),
    failed: comeAgain,
  },
  "signing-out": {
    ...busy,
    ...unasked,
    ...unconcerned,
    answered: ({ command, ref }, { reply }) => {
      const told = answer(ref, reply, command);
      if (reply.type !== "accepted") return told;
      const effects: Effect[] = [...told.effects!, { type: "startTimer", timer: "goodbye" }];
      return {
        ...step<RequestState>({ kind: "signed-out" }, ...effects),
        ...raise({ type: "signedOut" }),
      };
    },
    failed: ({ command, ref }, { why }) => fail(ref, why, command),
    heardOfSignOut: sayGoodbye,
  },
  "signed-out": {
    ...unasked,
    ...unconcerned,
    claim: impossible,
    frame: ignored,
    decoded: impossible,
    heardOfSignOut: sayGoodbye,
    timer: (_, { timer }) => (timer === "goodbye" ? sayGoodbye() : ignored()),
  },
  "saying-bye": {
    ...busy,
    ...unasked,
    ...unconcerned,
    left: ({ ref }, { isOut }) => {
      const bye = isOut
        ? step<RequestState>({ kind: "idle" }, { type: "send", output: { type: "done", ref } })
        : refuse(ref, "unavailable");
      return { ...bye, ...raise({ type: "close", why: "bye" }) };
    },
  },
  broken: {
    ...unconcerned,
    claim: impossible,
    frame: ignored,
    decoded: ignored,
    claimSettled: ignored,
    answered: ignored,
    failed: ignored,
    resumed: ignored,
    pageRead: ignored,
    pageTold: ignored,
    broken: ignored,
  },
};

/**
 * What is too much is refused before it is decoded, which costs as much as carrying out. Only a frame that waited behind
 * messages that were being stored is decoded by then: to see whether it is one of them.
 */
function frame(
  { kind }: Of<"fresh" | "idle">,
  { tooFastMs, isForgiven }: InputOf<"frame">,
  state: SessionState,
): Step<RequestState> {
  if (tooFastMs === undefined) {
    return step({ kind: "reading" }, { type: "decode", isFirst: kind === "fresh" });
  }
  const refusal = tooFast(tooFastMs, state);
  return isForgiven === true ? step(done, ...refusal.effects!) : refusal;
}

/** After a bug. The client is cut: otherwise it might take a request that got no answer for done. */
function giveAllUp(): Step<RequestState> {
  return {
    ...step<RequestState>({ kind: "broken" }),
    ...raise({ type: "abandon" }, { type: "cut", why: "internal error" }),
  };
}

function giveUp({ command, ref }: Of<"waiting">): Step<RequestState> {
  return preceded(refuse(ref, "unavailable", command), stopDoubt);
}

/** Catch-up is incomplete: the client must reconnect and resume. */
function comeAgain(): Step<RequestState> {
  return { ...step(done), ...raise({ type: "close", why: "internal" }) };
}

function goOn({ progress, effects }: CatchUpStep): Step<RequestState> {
  if (progress !== undefined) return step({ kind: "catching-up", progress }, ...effects);
  return { ...step(done, ...effects), ...raise({ type: "caughtUp" }) };
}

function sayGoodbye(): Step<never> {
  return raise({ type: "close", why: "signedOut" });
}
