/** What byte clients were shown of private conversations when they asked for their histories. Pure. */
import type { Index, Stored } from "./run-history.js";
import type { Finding, Rule } from "./rule.js";

export const HISTORY_ENDS: Rule = {
  id: "history-ends-with-heard",
  sentence:
    "a history that is shown ends with what was heard last, and leaves out nothing that fits",
  needs: "histories",
};

/** An answer to a byte client. */
export interface ShownHistory {
  readonly conv: string;
  /** Of the client that asked. */
  readonly session: number;
  /** Oldest first. It may also have messages that nobody heard. */
  readonly ids: readonly string[];
}

/** How the gateways are set. */
export interface Showing {
  /** `CLASSIC_REPLY_MAX_BYTES` */
  readonly maxBytes: number;
  /** `PRIVATE_HISTORY`: `tenure` shows what came since the session began, `name` everything. */
  readonly privateHistory: "tenure" | "name";
}

/** Code and count; and for each message the lengths of its author and its text. PROTOCOL.md, classic. */
const [HEAD_BYTES, LENGTHS_BYTES, MOST_SHOWN] = [2, 2, 255];

export function historiesEndWithHeard(
  index: Index,
  histories: readonly ShownHistory[],
  showing: Showing,
): Finding {
  const wrong: string[] = [];
  let seen = 0;
  for (const history of histories) {
    const { conv, ids } = history;
    const known = (index.byConv.get(conv) ?? []).map(({ id }) => id);
    const due = dueIn(index, history, showing);
    if (due.length === 0) continue;
    seen++;
    const isKnown = new Set(known);
    const shown = ids.filter((id) => isKnown.has(id));
    const end = known.slice(known.length - shown.length);
    if (shown.join() !== end.join()) {
      wrong.push(`${conv}: ends with ${known.at(-1)}, but shown is ${shown.at(-1) ?? "nothing"}`);
      continue;
    }
    const missing = due.at(-1 - shown.length);
    if (missing !== undefined && hasRoomFor(missing, history, showing)) {
      wrong.push(`${conv}: ${missing} is not shown, nor what came before it, though there is room`);
    }
  }
  return { seen, wrong };
}

/** What its asker has to be shown, as far as it fits. Oldest first. */
function dueIn(
  { byConv, sessions }: Index,
  { conv, session }: ShownHistory,
  { privateHistory }: Showing,
): string[] {
  const ids = (byConv.get(conv) ?? []).map(({ id }: Stored) => id);
  if (privateHistory === "name") return ids;
  const first = sessions.get(session)?.heard.find((each) => each.conv === conv);
  const at = first === undefined ? -1 : ids.indexOf(first.id);
  return at === -1 ? [] : ids.slice(at);
}

function hasRoomFor(id: string, { conv, ids }: ShownHistory, { maxBytes }: Showing): boolean {
  const bytes = [id, ...ids].reduce((sum, each) => sum + bytesOf(conv, each), HEAD_BYTES);
  return ids.length < MOST_SHOWN && bytes <= maxBytes;
}

/** A message's id begins with its author, and its text is the conversation and the id. */
function bytesOf(conv: string, id: string): number {
  const author = id.slice(0, id.lastIndexOf("."));
  return LENGTHS_BYTES + author.length + `${conv} ${id}`.length;
}
