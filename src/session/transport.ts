/**
 * The WebSocket of a session: opening, closing, cutting, losing it.
 *
 *     upgrading ─upgraded→ settling ─frame, timer→ open
 *     settling, open ─close, cut→ closing ─closeReceived→ both-closing ─finished, timer→ answered
 *     settling, open ─closeReceived→ peer-closing ─finished, timer; close→ answered
 *     any ─socketClosed→ closed
 *
 * A dialect that does not settle opens at once; a close or cut before the 101 is done at `upgraded`.
 */
import type { Effect } from "./effects.js";
import type { Input, InputOf } from "./inputs.js";
import { isClaimed } from "./questions.js";
import type { SessionState, Transport } from "./state.js";
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
import type { Timer } from "./timers.js";
import type { Ending } from "./endings.js";

type Concern =
  | "upgraded"
  | "frame"
  | "close"
  | "cut"
  | "slow"
  | "closeReceived"
  | "socketFailed"
  | "socketClosed"
  | "finished"
  | "goAway"
  | "timer";

export const transportTable: Table<Transport, Concern> = {
  upgrading: {
    upgraded: ({ ending }, _, state) => {
      const { traits } = state;
      const effects: Effect[] = traits.mustGreet && !isClaimed(state) ? [start("hello")] : [];
      // a close was asked for before the 101
      if (ending?.by === "node") return step(closing(ending), ...effects, ...closed(ending));
      if (ending !== undefined) return step(closing(ending), ...effects, { type: "terminate" });
      if (!traits.settles) return step({ kind: "open", ending }, ...effects);
      return step({ kind: "settling", ending }, start("settle"), ...effects);
    },
    frame: impossible,
    close: ({ ending }, asked) => step({ kind: "upgrading", ending: ending ?? byNode(asked) }),
    cut: ({ ending }, { why }) => step({ kind: "upgrading", ending: ending ?? byLoss(why) }),
    slow,
    closeReceived: impossible,
    socketFailed: impossible,
    socketClosed: lost,
    finished: ignored,
    goAway: ignored,
    timer: ignored,
  },
  settling: {
    upgraded: impossible,
    // a client that sends is ready to receive
    frame: ({ ending }) => step({ kind: "open", ending }, stop("settle")),
    close,
    cut,
    slow,
    // what was held back is not sent to a client that closes
    closeReceived: (region, input) =>
      preceded(closeReceived(region, input), { type: "forgetCorked" }),
    socketFailed,
    socketClosed: lost,
    finished: ignored,
    goAway,
    timer: ({ ending }, { timer }) =>
      timer === "settle" ? step({ kind: "open", ending }) : ignored(),
  },
  open: {
    upgraded: impossible,
    frame: ignored,
    close,
    cut,
    slow,
    closeReceived,
    socketFailed,
    socketClosed: lost,
    finished: ignored,
    goAway,
    timer: ignored,
  },
  closing: {
    upgraded: impossible,
    frame: ignored,
    close: ignored,
    cut,
    slow: ignored,
    closeReceived: ({ ending }) => step({ kind: "both-closing", ending }, ...hungUp()),
    socketFailed: ignored,
    socketClosed: lost,
    finished: ignored,
    goAway: ignored,
    timer: farewell,
  },
  "peer-closing": {
    upgraded: impossible,
    frame: ignored,
    // our close takes the place of the answer
    close: ({ ending }, asked) => step({ kind: "answered", ending }, ...closed(asked)),
    cut: terminate,
    slow,
    closeReceived: ignored,
    socketFailed: ignored,
    socketClosed: lost,
    finished: ({ ending }) => answer(ending),
    goAway,
    timer: ({ ending }, { timer }) => (timer === "answer" ? answer(ending) : ignored()),
  },
  "both-closing": {
    upgraded: impossible,
    frame: ignored,
    close: ignored,
    cut: terminate,
    slow: ignored,
    closeReceived: ignored,
    socketFailed: ignored,
    socketClosed: lost,
    finished: ({ ending }) => answer(ending),
    goAway: ignored,
    timer: (region, input) =>
      input.timer === "answer" ? answer(region.ending) : farewell(region, input),
  },
  answered: {
    upgraded: impossible,
    frame: ignored,
    close: ignored,
    cut: terminate,
    slow: ignored,
    closeReceived: ignored,
    socketFailed: ignored,
    socketClosed: lost,
    finished: ignored,
    goAway: ignored,
    timer: farewell,
  },
  closed: {
    upgraded: () => stay({ type: "terminate" }),
    frame: ignored,
    close: ignored,
    cut: ignored,
    slow: ignored,
    closeReceived: ignored,
    socketFailed: ignored,
    socketClosed: ignored,
    finished: ignored,
    goAway: ignored,
    timer: ignored,
  },
};

function close(
  { ending }: { ending: Ending | undefined },
  asked: InputOf<"close">,
): Step<Transport> {
  return step(closing(ending ?? byNode(asked)), stop("settle"), ...closed(asked));
}

function cut({ ending }: { ending: Ending | undefined }, { why }: InputOf<"cut">): Step<Transport> {
  return step(closing(ending ?? byLoss(why)), stop("settle"), { type: "terminate" });
}

function terminate(): Step<never> {
  return stay({ type: "terminate" });
}

/** A close frame would wait behind what the reader does not read. Clients that can resume get one all the same. */
function slow(_: Transport, __: Input, { traits }: SessionState): Step<never> {
  if (traits.slowReader === "close") return raise({ type: "close", why: "slowReader" });
  return raise({ type: "cut", why: "read too slowly" });
}

function closeReceived(
  { ending }: { ending: Ending | undefined },
  { code }: InputOf<"closeReceived">,
): Step<Transport> {
  const next = { kind: "peer-closing", ending: ending ?? { by: "client", code } } as const;
  return step<Transport>(next, ...hungUp());
}

/** The client has sent a close frame. */
function hungUp(): Effect[] {
  return [stop("settle"), stop("hello"), { type: "unfollow" }, start("answer")];
}

function socketFailed(
  region: Extract<Transport, { kind: "settling" | "open" }>,
  { why }: InputOf<"socketFailed">,
): Step<Transport> {
  return step({ kind: region.kind, ending: region.ending ?? byLoss(why) });
}

function lost({ ending }: { ending: Ending | undefined }): Step<Transport> {
  const next = { kind: "closed", ending: ending ?? byLoss("connection was lost") } as const;
  const stops = (["settle", "hello", "answer", "farewell", "goodbye"] as const).map(stop);
  return step<Transport>(next, ...stops, { type: "unfollow" });
}

function goAway(_: Transport, { inMs }: InputOf<"goAway">, { traits }: SessionState): Step<never> {
  if (!traits.isToldOfDrain) return ignored();
  return stay({ type: "send", output: { type: "going-away", inMs } });
}

function farewell(_: Transport, { timer }: InputOf<"timer">): Step<never> {
  return timer === "farewell" ? terminate() : ignored();
}

function answer(ending: Ending): Step<Transport> {
  return step<Transport>({ kind: "answered", ending }, stop("answer"), { type: "answerClose" });
}

function closing(ending: Ending): Transport {
  return { kind: "closing", ending };
}

/** Why the node closes, and what it says of it. */
type Closing = Pick<InputOf<"close">, "why" | "detail">;

function closed({ why, detail }: Closing): Effect[] {
  return [{ type: "close", why, detail }, start("farewell")];
}

function byNode({ why, detail }: Closing): Ending {
  return { by: "node", why, detail };
}

function byLoss(why: string): Ending {
  return { by: "loss", why };
}

function start(timer: Timer): Effect {
  return { type: "startTimer", timer };
}

function stop(timer: Timer): Effect {
  return { type: "stopTimer", timer };
}
