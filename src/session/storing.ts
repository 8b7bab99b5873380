/**
 * Messages to everybody that are being stored: a client that sends one behind the other need not wait for each. All of
 * them go to one conversation, whose store keeps their order. Other requests wait in the queue until they are answered.
 */
import { decoded, tooFast } from "./carry-out.js";
import type { InputOf } from "./inputs.js";
import type { RequestState, SessionState, Unstored } from "./state.js";
import { preceded, stay, step, type Step } from "./table.js";

type Storing = Extract<RequestState, { kind: "storing" }>;

/** The frame of another message to everybody was taken. If it is too much, that is answered behind them. */
export function frameBehind(storing: Storing, { tooFastMs }: InputOf<"frame">): Step<RequestState> {
  if (tooFastMs === undefined) return stay({ type: "decode", isFirst: false });
  return step({ ...storing, tooFastMs });
}

export function decodedBehind(
  { pending }: Storing,
  { decoded: what }: InputOf<"decoded">,
  state: SessionState,
): Step<RequestState> {
  const own = decoded(what, state);
  if (own.next?.kind !== "storing") throw new Error("only messages to everybody may be behind");
  return { ...own, next: { ...own.next, pending: [...pending, ...own.next.pending] } };
}

/** The first of them is answered. */
export function firstAnswered(
  { kind, pending, tooFastMs }: Storing,
  answerTo: (first: Unstored) => Step<RequestState>,
  state: SessionState,
): Step<RequestState> {
  const [first, ...rest] = pending;
  const answered = answerTo(first!);
  if (rest.length > 0) return { ...answered, next: { kind, pending: rest, tooFastMs } };
  if (tooFastMs === undefined) return answered;
  return preceded(tooFast(tooFastMs, state), ...answered.effects!);
}
