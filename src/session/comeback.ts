/**
 * Whether the client may come back. If so, its name is kept for it for a while when the connection is lost.
 *
 *     expected ─farewell; a normal close→ none
 */
import type { Comeback } from "./state.js";
import { ignored, step, type Step, type Table } from "./table.js";

type Concern = "closeReceived" | "socketClosed" | "farewell";

/** RFC 6455 §7.4.1: what the client's own close frame says. Codes that we send are the wire's. */
const NORMAL_CLOSE = 1000;

export const comebackTable: Table<Comeback, Concern> = {
  expected: { closeReceived: closed, socketClosed: closed, farewell: none },
  none: { closeReceived: ignored, socketClosed: ignored, farewell: ignored },
};

/** With another code, or none, the client may have lost its connection. */
function closed(_: Comeback, { code }: { readonly code?: number | undefined }): Step<Comeback> {
  return code === NORMAL_CLOSE ? none() : ignored();
}

function none(): Step<Comeback> {
  return step({ kind: "none" });
}
