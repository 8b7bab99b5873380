/** The checkers: what a run's history and the truth in Redis must have to do with one another. Pure. */
import * as cluster from "./checks-cluster.js";
import * as messages from "./checks-messages.js";
import * as views from "./checks-views.js";
import { Index, type RunHistory } from "./indexed.js";
import { writesGoOn } from "./outages.js";
import { Rollbacks } from "./rollback.js";

export interface Violation {
  readonly rule: string;
  /** The smallest example that was found. */
  readonly example: string;
  readonly count: number;
}

type Rule = readonly [rule: string, find: (index: Index, rollbacks: Rollbacks) => string[]];

/** Rules that clients alone can judge, if what they heard together is taken for the truth. */
export const CLIENT_RULES: readonly Rule[] = [
  ["what was refused is not in the history", messages.refusedIsNotStored],
  ["what was acknowledged before another was sent comes before it", messages.realTimeOrder],
  ["what one session sends is stored in that order", messages.sessionOrder],
  ["a session hears each message once, in order, without holes", views.viewsAreComplete],
  ["a session that stayed hears everything since it came", views.nothingMissedAtEnds],
  ["nobody writes under a name that another session has got since", cluster.namesDoNotOverlap],
  ["nobody is signed out without a reason", cluster.noFalseLeaves],
  ["the connected are those with an open connection", cluster.rosterIsTrue],
];

/** Rules for which Redis must be asked. */
export const TRUTH_RULES: readonly Rule[] = [
  ["what was acknowledged is in the history", messages.acknowledgedIsStored],
  ["every message is in the history once", (index) => index.storedTwice],
  ["the numbers of a conversation have no holes", messages.numbersAreGapless],
  ["an epoch and a number mean one message", messages.numbersNameOneMessage],
  ["a session hears nothing that is not in the history", views.nothingInvented],
  ["leadership tokens rise", cluster.tokensRise],
  ["a position means one event", cluster.positionsAreUnique],
  ["after a failover, writing goes on within eight seconds", writesGoOn],
];

/** An empty answer means that the run kept every promise. */
export function check(
  run: RunHistory,
  rules: readonly Rule[] = [...TRUTH_RULES, ...CLIENT_RULES],
): Violation[] {
  const index = new Index(run);
  const rollbacks = new Rollbacks(index);
  return rules.flatMap(([rule, find]) => {
    const examples = find(index, rollbacks);
    return examples.length === 0 ? [] : [{ rule, example: examples[0]!, count: examples.length }];
  });
}
