/**
 * Whether the client may come back. If so, its name is kept for it for a while when the connection is lost.
 *
 *     expected ─farewell; a normal close; a close that expels→ none
 */
import { expels } from "./endings.js";
import type { InputOf } from "./inputs.js";
import type { Comeback } from "./state.js";
import { ignored, raise, step, type Step, type Table } from "./table.js";

type Concern = "closeReceived" | "socketClosed" | "farewell" | "close";

/** RFC 6455 §7.4.1: what the client's own close frame says. Codes that we send are the wire's. */
const NORMAL_CLOSE = 1000;

export const comebackTable: Table<Comeback, Concern> = {
  expected: { closeReceived: closed, socketClosed: closed, farewell: none, close },
  none: { closeReceived: ignored, socketClosed: ignored, farewell: ignored, close },
};

/** With another code, or none, the client may have lost its connection. */
function closed(_: Comeback, { code }: { readonly code?: number | undefined }): Step<Comeback> {
  return code === NORMAL_CLOSE ? none() : ignored();
}

/** The name is not the client's any more: what it has asked for is not carried out, and the name is given back at once. */
function close(_: Comeback, { why }: InputOf<"close">): Step<Comeback> {
  if (!expels(why)) return ignored();
  return { ...none(), ...raise({ type: "leave" }, { type: "abandon" }) };
}

function none(): Step<Comeback> {
  return step({ kind: "none" });
}
