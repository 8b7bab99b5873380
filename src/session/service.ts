/**
 * How far a session serves its client, from serving to over. There is no way back to serving.
 *
 *     serving ─leave, closeReceived, socketClosed→ finishing ─fence, lost, signedOut, abandon, patience→ hurrying
 *     serving ─fence, lost, signedOut, abandon→ fenced ─leave, closeReceived, socketClosed→ hurrying
 *     finishing, hurrying ─drained→ releasing ─left→ finished        the name is given back
 *     finishing, hurrying ─drained→ finished                         it is kept, or need not be given back
 *     finishing, hurrying ─drained→ over                             the connection is closed
 *     releasing ─socketClosed→ over        finished ─leave, closeReceived, socketClosed→ hurrying
 */
import type { Effect } from "./effects.js";
import type { Service, SessionState } from "./state.js";
import {
  ignored,
  impossible,
  preceded,
  raise,
  stay,
  step,
  type Step,
  type Table,
} from "./table.js";

type Concern =
  | "leave"
  | "closeReceived"
  | "socketClosed"
  | "drained"
  | "fence"
  | "lost"
  | "signedOut"
  | "abandon"
  | "left"
  | "timer";

const forget: Effect = { type: "forgetRequests" };

/** Nothing more is done in the name, until the session is told to end. */
const waitsForEnd = {
  leave: () => finish("hurrying", true),
  closeReceived: () => finish("hurrying", true),
  socketClosed: () => finish("hurrying", false),
  drained: impossible,
  fence: ignored,
  lost: () => stay(forget),
  signedOut: ignored,
  abandon: () => stay(forget),
  left: ignored,
  timer: ignored,
} as const;

export const serviceTable: Table<Service, Concern> = {
  serving: {
    leave: () => finish("finishing", true),
    closeReceived: () => finish("finishing", true),
    socketClosed: () => finish("finishing", false),
    drained: impossible,
    fence: () => step({ kind: "fenced" }),
    lost: () => step({ kind: "fenced" }, forget),
    signedOut: () => step({ kind: "fenced" }),
    abandon: () => ({ ...step({ kind: "fenced" }, forget), ...fenced }),
    left: ignored,
    timer: ignored,
  },
  finishing: {
    leave: () => step({ kind: "finishing", releases: true }),
    closeReceived: () => step({ kind: "finishing", releases: true }),
    socketClosed: ignored,
    drained: ({ releases }, _, state) => finished(releases, state),
    fence: ({ releases }) => step({ kind: "hurrying", releases }),
    lost: ({ releases }) => step({ kind: "hurrying", releases }, forget),
    signedOut: ({ releases }) => step({ kind: "hurrying", releases }),
    abandon: ({ releases }) => ({ ...step({ kind: "hurrying", releases }, forget), ...fenced }),
    left: ignored,
    timer: ({ releases }, { timer }) =>
      timer === "patience"
        ? { ...step({ kind: "hurrying", releases }, forget), ...fenced }
        : ignored(),
  },
  hurrying: {
    leave: () => step({ kind: "hurrying", releases: true }),
    closeReceived: () => step({ kind: "hurrying", releases: true }),
    socketClosed: ignored,
    drained: ({ releases }, _, state) => finished(releases, state),
    fence: ignored,
    lost: () => stay(forget),
    signedOut: ignored,
    abandon: () => stay(forget),
    left: ignored,
    timer: (_, { timer }) => (timer === "patience" ? stay(forget) : ignored()),
  },
  fenced: waitsForEnd,
  releasing: {
    leave: ignored,
    closeReceived: ignored,
    // the gateway completes the sign-out
    socketClosed: (_, __, { transport }) => over(transport),
    drained: impossible,
    fence: ignored,
    lost: () => stay(forget),
    signedOut: ignored,
    abandon: () => stay(forget),
    left: () => ({ ...step<Service>({ kind: "finished" }), raise: [{ type: "finished" }] }),
    timer: ignored,
  },
  // tries a failed sign-out again; more frames may have come
  finished: waitsForEnd,
  over: {
    leave: ignored,
    closeReceived: ignored,
    socketClosed: ignored,
    drained: impossible,
    fence: ignored,
    lost: ignored,
    signedOut: ignored,
    abandon: ignored,
    left: ignored,
    timer: ignored,
  },
};

const fenced = raise({ type: "fence" });

function finish(kind: "finishing" | "hurrying", releases: boolean): Step<Service> {
  return step<Service>({ kind, releases }, { type: "startTimer", timer: "patience" });
}

function finished(releases: boolean, { transport, comeback }: SessionState): Step<Service> {
  const stop: Effect = { type: "stopTimer", timer: "patience" };
  if (transport.kind === "closed") {
    return preceded(over(transport), stop);
  }
  const mustRelease = releases && comeback.kind === "none";
  return {
    ...step<Service>({ kind: mustRelease ? "releasing" : "finished" }, stop),
    raise: [{ type: mustRelease ? "release" : "finished" }],
  };
}

function over(transport: SessionState["transport"]): Step<Service> {
  if (transport.kind !== "closed") throw new Error("a session is over when its connection is gone");
  return step<Service>({ kind: "over" }, { type: "ended", ending: transport.ending });
}
