/** Delivery: which notices the client gets, and when. */
import { GENERAL, keyOf } from "../chat/conversation.js";
import type { Notice } from "../chat/events.js";
import {
  comparedWith,
  nothingEarly,
  passEarly,
  toldAtFirst,
  withEarly,
  without,
  withPage,
} from "./catch-up.js";
import type { Effect } from "./effects.js";
import type { InputOf } from "./inputs.js";
import { isCorked, isOwnStory, nameOf, takesNotices } from "./questions.js";
import type { Delivery, SessionState } from "./state.js";
import { ignored, impossible, raise, stay, step, type Step, type Table } from "./table.js";

const GENERAL_KEY = keyOf(GENERAL);

type Concern = "notice" | "resumed" | "pageRead" | "caughtUp" | "forget";

const forgetCorked: Effect = { type: "forgetCorked" };

export const deliveryTable: Table<Delivery, Concern> = {
  "catching-up": {
    notice: (region, input, state) => {
      const missed = hole(input, state);
      if (missed !== undefined) return missed;
      if (!isFor(state, input.notice) || input.frame === undefined) return ignored();
      const early = withEarly(region.early, input.notice, input.frame);
      if (early.bytes <= state.settings.maxEarlyBytes) return step({ ...region, early });
      return raise({ type: "close", why: "slowReader" }); // the buffer is full
    },
    resumed: (region, { conversations }) => step({ ...region, told: toldAtFirst(conversations) }),
    pageRead: (region, { page }, state) => {
      if (state.request.kind !== "catching-up") return ignored();
      const { progress } = state.request;
      return step({ ...region, told: withPage(region.told, progress, page) });
    },
    caughtUp: ({ early, told }) => {
      const { told: rest, frames, isRolledBack } = passEarly(early, told);
      const pushes = frames.map((frame): Effect => ({ type: "push", frame }));
      const flowing = step<Delivery>({ kind: "flowing", told: rest }, ...pushes);
      return isRolledBack
        ? { ...flowing, ...raise({ type: "close", why: "positionLost" }) }
        : flowing;
    },
    forget: (region) => step({ ...region, early: nothingEarly }, forgetCorked),
  },
  flowing: {
    notice: ({ told }, input, state) => {
      const missed = hole(input, state);
      if (missed !== undefined) return missed;
      const { notice, frame } = input;
      if (!isFor(state, notice) || frame === undefined) return ignored();
      const push: Effect = { type: "push", frame };
      if (isOwnSignOut(state, notice)) {
        return { ...stay(push), ...raise({ type: "heardOfSignOut" }) };
      }
      if (notice.type !== "message") return stay(push);
      const { message } = notice;
      const compared = comparedWith(told, message);
      switch (compared) {
        case "new":
          return stay(push);
        case "passed":
          return step({ kind: "flowing", told: without(told, message) }, push);
        case "told":
          return ignored();
        case "rolled-back":
          return raise({ type: "close", why: "positionLost" });
        default:
          return compared satisfies never;
      }
    },
    resumed: impossible,
    pageRead: impossible,
    caughtUp: impossible,
    forget: () => stay(forgetCorked),
  },
  severed: {
    notice: ignored,
    resumed: impossible,
    pageRead: impossible,
    caughtUp: impossible,
    forget: () => stay(forgetCorked),
  },
};

/**
 * The hot path: what to do with a notice, without a transition where its frame is simply pushed or dropped. Allocates
 * nothing. `transition`: the notice may change the session's state.
 */
export function routeOf(state: SessionState, notice: Notice): "push" | "drop" | "transition" {
  const { delivery, transport } = state;
  switch (notice.type) {
    case "message":
      if (delivery.kind !== "flowing") break;
      if (comparedWith(delivery.told, notice.message) !== "new") return "transition";
      return takesNotices(transport) ? "push" : "drop";
    case "presence":
      if (notice.user.name === nameOf(state)) return "transition";
      break;
    case "gap":
      return "transition";
    default:
  }
  switch (delivery.kind) {
    case "catching-up":
      return "transition";
    case "flowing":
      return isFor(state, notice) ? "push" : "drop";
    case "severed":
      return "drop";
    default:
      return delivery satisfies never;
  }
}

/**
 * Whether {@link routeOf} says `push` for every notice for everybody, and its frame need not be held back. Not counted:
 * presence and typing of the session's own user, gaps, and messages while {@link comparesGeneral}.
 */
export function hearsAll(state: SessionState): boolean {
  const { delivery, transport } = state;
  return delivery.kind === "flowing" && transport.kind === "open" && !isCorked(state);
}

/** Whether it compares messages for everybody with what it was told from history: until it has got a newer one. */
export function comparesGeneral({ delivery }: SessionState): boolean {
  return delivery.kind === "flowing" && delivery.told.has(GENERAL_KEY);
}

/** Whether the client gets this notice at all. */
function isFor(state: SessionState, notice: Notice): boolean {
  if (!takesNotices(state.transport)) return false;
  switch (notice.type) {
    case "presence":
      // presence from before this session held the name is about another session
      return notice.user.name !== nameOf(state) || isOwnStory(state, notice);
    case "typing":
      return state.traits.hearsOwnTyping || notice.author !== nameOf(state);
    default:
      return true;
  }
}

/** Whether the notice says that the client's own user is disconnected. */
function isOwnSignOut(state: SessionState, notice: Notice): boolean {
  if (notice.type !== "presence" || notice.user.status !== "disconnected") return false;
  return notice.user.name === nameOf(state);
}

/** A client with cursors is closed: it reconnects and resumes. Others get no more notices. */
function hole(
  { notice }: InputOf<"notice">,
  { traits, transport }: SessionState,
): Step<Delivery> | undefined {
  if (notice.type !== "gap") return undefined;
  if (traits.afterHole === "resume") {
    return takesNotices(transport) ? raise({ type: "close", why: "positionLost" }) : ignored();
  }
  return notice.hasMissed ? step<Delivery>({ kind: "severed" }) : ignored();
}
