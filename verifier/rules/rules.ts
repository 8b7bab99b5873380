/** The rules that a run is judged by: they compare what clients sent and heard with what Redis stored. Pure. */
import { Index, type RunHistory } from "./run-history.js";
import { Rollbacks } from "./rollback.js";
import * as cluster from "./cluster.js";
import * as messages from "./messages.js";
import { failoversToOutlast, writesGoOn } from "./outages.js";
import { judged, type Finding, type Judgement, type Rule } from "./rule.js";
import * as views from "./views.js";

export interface HistoryRule extends Rule {
  readonly find: (index: Index, rollbacks: Rollbacks) => Finding;
  /** Whether this run must have shown the rule something; if it has not, the run is void. Default: it need not. */
  readonly mustBeSeen?: (index: Index) => boolean;
}

const always = (): boolean => true;

/** A single fault may come too late in a run to show anything. */
const hadTwo =
  (...faults: string[]) =>
  ({ run }: Index): boolean =>
    run.entries.filter((entry) => entry.kind === "fault" && faults.includes(entry.what)).length > 1;

/** Rules that need no look into Redis: what all clients together heard can stand for what is stored. */
export const CLIENT_RULES: readonly HistoryRule[] = [
  {
    id: "refused-is-not-stored",
    sentence: "a message that was refused is not in the history",
    needs: "refused messages",
    find: messages.refusedIsNotStored,
  },
  {
    id: "real-time-order",
    sentence: "a message that was acknowledged before another one was sent comes before it",
    needs: "messages sent after another one was acknowledged",
    find: messages.realTimeOrder,
    mustBeSeen: always,
  },
  {
    id: "session-order",
    sentence: "the messages of one session are stored in the order in which it sent them",
    needs: "acknowledged messages after another one of the same session",
    find: messages.sessionOrder,
    mustBeSeen: always,
  },
  {
    id: "heard-once-in-order",
    sentence: "a session hears each message once, in order, without holes",
    needs: "messages heard after another one",
    find: views.viewsAreComplete,
    mustBeSeen: always,
  },
  {
    id: "nothing-missed",
    sentence: "a session that stayed hears everything since it came",
    needs: "messages that a session had to hear",
    find: views.nothingMissedAtEnds,
    mustBeSeen: always,
  },
  {
    id: "one-session-writes",
    sentence: "no session writes under a name that another session has got since",
    needs: "messages under a name that had several sessions",
    find: cluster.namesDoNotOverlap,
  },
  {
    id: "no-false-sign-out",
    sentence: "nobody is signed out without a reason",
    needs: "sign-outs that were heard",
    find: cluster.noFalseLeaves,
    mustBeSeen: hadTwo("kill-gateway", "kill-leader"),
  },
  {
    id: "roster-is-true",
    sentence: "the users that count as connected are those with an open connection",
    needs: "users that were connected at the end",
    find: cluster.rosterIsTrue,
    mustBeSeen: always,
  },
];

export const NAMES_ARE_PROVED: Rule = {
  id: "names-are-proved",
  sentence: "nobody gets a name by what does not prove that it is theirs",
  needs: "attempts to get a name by something else",
};

export const TOKENS_RISE: Rule = {
  id: "tokens-rise",
  sentence: "leadership tokens rise",
  needs: "terms after another one",
};

/** Rules that need what Redis stored and published, and what gateways logged. */
export const TRUTH_RULES: readonly HistoryRule[] = [
  {
    id: "acknowledged-is-stored",
    sentence: "a message that was acknowledged is in the history",
    needs: "acknowledged messages",
    find: messages.acknowledgedIsStored,
    mustBeSeen: always,
  },
  {
    id: "stored-once",
    sentence: "every message is in the history once",
    needs: "stored messages",
    find: messages.storedOnce,
    mustBeSeen: always,
  },
  {
    id: "numbers-without-holes",
    sentence: "the numbers of a conversation have no holes",
    needs: "stored messages",
    find: messages.numbersAreGapless,
    mustBeSeen: always,
  },
  {
    id: "number-names-one-message",
    sentence: "an epoch and a number mean one message",
    needs: "messages that were published or stored",
    find: messages.numbersNameOneMessage,
    mustBeSeen: always,
  },
  {
    id: "heard-is-stored",
    sentence: "a session hears nothing that is not in the history",
    needs: "messages heard",
    find: views.nothingInvented,
    mustBeSeen: always,
  },
  {
    ...TOKENS_RISE,
    find: ({ run }) => cluster.tokensRise(run.truth.terms),
    mustBeSeen: hadTwo("kill-leader", "freeze-leader-long"),
  },
  {
    id: "position-means-one-event",
    sentence: "a position means one event",
    needs: "events that Redis published",
    find: cluster.positionsAreUnique,
    mustBeSeen: always,
  },
  // only where names have to be proved
  { ...NAMES_ARE_PROVED, find: cluster.namesAreProved },
  {
    id: "writable-after-failover",
    sentence: "after a failover clients can write again within eight seconds",
    needs: "failovers",
    isTimed: true,
    find: writesGoOn,
    mustBeSeen: (index) => failoversToOutlast(index).size > 0,
  },
];

export const ALL_RULES: readonly HistoryRule[] = [...TRUTH_RULES, ...CLIENT_RULES];

/** One judgement for each rule. */
export function check(run: RunHistory, rules: readonly HistoryRule[] = ALL_RULES): Judgement[] {
  const index = new Index(run);
  const rollbacks = new Rollbacks(index);
  return rules.map((rule) => judged(rule, rule.find(index, rollbacks)));
}

/** Why the run proves nothing, if a rule saw nothing that such a run must show it. */
export function whyUnseen(run: RunHistory, judgements: readonly Judgement[]): string | undefined {
  const index = new Index(run);
  const unseen = ALL_RULES.find(
    ({ id, mustBeSeen }) =>
      mustBeSeen?.(index) === true &&
      judgements.some((each) => each.id === id && each.verdict === "void"),
  );
  return unseen && `${unseen.id} was not tried: no ${unseen.needs}`;
}
