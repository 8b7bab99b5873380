/**
 * The state machine of a session, the same for all dialects. Pure: everything that is to be done is an
 * effect, and time comes in as the input of a timer. Each input goes through all regions; inputs that they raise are handled in the same transition.
 */
import { comebackTable } from "./comeback.js";
import { deliveryTable } from "./delivery.js";
import { SENDS, type Effect } from "./effects.js";
import type { Input } from "./inputs.js";
import { nameTable } from "./name.js";
import { isCorked, takesAnswers } from "./questions.js";
import { requestTable } from "./request.js";
import { serviceTable } from "./service.js";
import type { SessionState } from "./state.js";
import { cellOf, type Step } from "./table.js";
import { transportTable } from "./transport.js";

/** The regions, in the order in which they handle an input. */
const TABLES = {
  comeback: comebackTable,
  transport: transportTable,
  service: serviceTable,
  name: nameTable,
  request: requestTable,
  delivery: deliveryTable,
} as const;

type Region = keyof typeof TABLES;

type TableOf<R extends Region> = (typeof TABLES)[R];

/** The inputs that have cells. The rows of a table all have the same inputs. */
type Concern = { [R in Region]: keyof TableOf<R>[keyof TableOf<R>] }[Region];

/** The regions that an input concerns. */
const CONCERNED = new Map<Concern, Region[]>();
for (const [region, table] of Object.entries(TABLES)) {
  const [row] = Object.values(table);
  for (const type of Object.keys(row) as Concern[]) {
    const regions = CONCERNED.get(type) ?? [];
    CONCERNED.set(type, [...regions, region as Region]);
  }
}

const NO_EFFECTS: readonly Effect[] = [];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface Transition {
  readonly state: SessionState;
  /** In the order in which they must be carried out. */
  readonly effects: readonly Effect[];
}

export function transition(before: SessionState, input: Input): Transition {
  let state = before;
  let effects: readonly Effect[] = NO_EFFECTS;
  const inputs: Input[] = [input];
  for (const each of inputs) {
    // each input has cells: if one has none, the compiler says so here
    for (const region of CONCERNED.get(each.type)!) {
      const cell = cellOf(TABLES[region], state[region], each);
      const done = cell(state[region], each, state);
      const { next, effects: added, raise, patch } = done;
      if (added !== undefined) effects = joined(effects, possible(added, state));
      if (raise !== undefined) inputs.push(...raise);
      if (next !== undefined || patch !== undefined) state = changed(state, region, done);
    }
  }
  return { state, effects: withCork(before, state, effects) };
}

/** Sets each field by its name: several spreads, or computed names, would cost a request three times as much. */
function changed(
  state: SessionState,
  region: Region,
  { next, patch }: Step<SessionState[Region]>,
): SessionState {
  const copy: Mutable<SessionState> = { ...state };
  if (patch !== undefined) {
    if (patch.strikes !== undefined) copy.strikes = patch.strikes;
    if (patch.doubts !== undefined) copy.doubts = patch.doubts;
  }
  if (next === undefined) return copy;
  switch (region) {
    case "comeback":
      copy.comeback = next as SessionState["comeback"];
      break;
    case "transport":
      copy.transport = next as SessionState["transport"];
      break;
    case "service":
      copy.service = next as SessionState["service"];
      break;
    case "name":
      copy.name = next as SessionState["name"];
      break;
    case "request":
      copy.request = next as SessionState["request"];
      break;
    case "delivery":
      copy.delivery = next as SessionState["delivery"];
      break;
    default:
      region satisfies never;
  }
  return copy;
}

/**
 * Without those that send, if the client takes no answers. Before the 101, the send queue holds notices back for it.
 * Of those that send only `pushMissed` is waited for: request.ts does not begin it for such a client.
 */
function possible(effects: readonly Effect[], { transport }: SessionState): readonly Effect[] {
  if (takesAnswers(transport)) return effects;
  const isEarly = transport.kind === "upgrading";
  return effects.filter(({ type }) => !SENDS[type] || (isEarly && type === "push"));
}

/** Mostly one of them is empty, and the other need not be copied. */
function joined(first: readonly Effect[], second: readonly Effect[]): readonly Effect[] {
  if (first.length === 0) return second;
  return second.length === 0 ? first : [...first, ...second];
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
