/**
 * The cursors of a `hello`, checked without its schema: there may be thousands, and the schema takes ten times as long for
 * each. What passes here would pass there; what does not is left to the schema, which says why.
 */
import type { Requests } from "./json-schema.js";

type Cursors = NonNullable<Requests["hello"]["resume"]>;

const CONV = /^(?:~|@(?!~$).+)$/su;
const MAX_CONV_LENGTH = 257;
const MAX_EPOCH_LENGTH = 16;

/** Of a frame: what its schema has to see, and the cursors, if all of them are good. Of the wrong ones it sees the first. */
export function cursorsApart(frame: Record<string, unknown>): {
  readonly rest: Record<string, unknown>;
  readonly cursors?: Cursors;
} {
  const { resume } = frame;
  if (typeof resume !== "object" || resume === null || Array.isArray(resume))
    return { rest: frame };
  const wrong = Object.entries(resume).find(([conv, cursor]) => !isCursor(conv, cursor));
  if (wrong === undefined) return { rest: { ...frame, resume: {} }, cursors: resume as Cursors };
  const [conv, cursor] = wrong;
  if (conv === "__proto__") return { rest: frame }; // the schema leaves it out
  return { rest: { ...frame, resume: { [conv]: cursor } } };
}

function isCursor(conv: string, cursor: unknown): boolean {
  if (conv.length > MAX_CONV_LENGTH || !CONV.test(conv)) return false;
  if (!Array.isArray(cursor) || cursor.length !== 2) return false;
  const [epoch, seq] = cursor as [unknown, unknown];
  const isEpoch = typeof epoch === "string" && epoch.length <= MAX_EPOCH_LENGTH;
  return isEpoch && Number.isSafeInteger(seq) && (seq as number) >= 0;
}
