/**
 * The state machine of a session, the same for all dialects. Pure: time is an argument, and everything that is to be
 * done is an effect. Each input goes through all regions; inputs that they raise are handled in the same transition.
 */
import { deliveryTable } from "./delivery.js";
import type { Effect } from "./effects.js";
import type { Input } from "./inputs.js";
import { nameTable } from "./name.js";
import { isCorked, takesAnswers } from "./questions.js";
import { requestTable } from "./request.js";
import { serviceTable } from "./service.js";
import type { SessionState } from "./state.js";
import { cellOf } from "./table.js";
import { transportTable } from "./transport.js";

/** RFC 6455 §7.4.1. A client that closes with it does not come back. */
const NORMAL_CLOSE = 1000;

/** The order in which regions handle an input. */
const REGIONS = [
  ["transport", transportTable],
  ["service", serviceTable],
  ["name", nameTable],
  ["request", requestTable],
  ["delivery", deliveryTable],
] as const;

export interface Transition {
  readonly state: SessionState;
  /** In the order in which they must be carried out. */
  readonly effects: readonly Effect[];
}

/** @param nowMs steady clock */
export function transition(before: SessionState, input: Input, nowMs: number): Transition {
  let state = before;
  const effects: Effect[] = [];
  const inputs: Input[] = [input];
  for (const each of inputs) {
    state = afterFarewell(state, each);
    for (const [region, table] of REGIONS) {
      const cell = cellOf(table, state[region], each);
      if (cell === undefined) continue;
      const { next, effects: done, raise, patch } = cell(state[region], each, state, nowMs);
      if (done !== undefined) effects.push(...done.filter((effect) => isPossible(effect, state)));
      if (raise !== undefined) inputs.push(...raise);
      if (patch !== undefined) state = { ...state, ...patch };
      if (next !== undefined) state = { ...state, [region]: next };
    }
  }
  return { state, effects: withCork(before, state, effects) };
}

/** Whether the client may still come back. */
function afterFarewell(state: SessionState, input: Input): SessionState {
  if (state.comeback === "none") return state;
  const isEnd = input.type === "closeReceived" || input.type === "socketClosed";
  const isFarewell = input.type === "farewell" || (isEnd && input.code === NORMAL_CLOSE);
  return isFarewell ? { ...state, comeback: "none" } : state;
}

/** Nothing is sent to a client that gets no more answers. */
function isPossible({ type }: Effect, { transport }: SessionState): boolean {
  const isTold = type === "send" || type === "sendAnswer" || type === "pushOutput";
  return !isTold || takesAnswers(transport);
}

/** A transition corks before all its other effects, and uncorks after them. */
function withCork(
  before: SessionState,
  after: SessionState,
  effects: readonly Effect[],
): readonly Effect[] {
  if (isCorked(before) === isCorked(after) || !takesAnswers(after.transport)) return effects;
  return isCorked(after) ? [{ type: "cork" }, ...effects] : [...effects, { type: "uncork" }];
}
