/**
 * What this user sends, kept in the browser until it is stored in the chat: a page that is loaded again,
 * or comes back after a crash, sends it again under the same `mid`, so that it is stored once. Each message
 * is an entry of its own, below its author's name: no tab writes over what another keeps, and several may
 * send the same one.
 */
import type { Outgoing, Unsent, View } from "../view/model.js";
import { isJoined } from "../view/accessors.js";
import { remove, list, load, save } from "./browser-storage.js";

/** What was kept under this name. */
export function loadUnsent(me: string): readonly Unsent[] {
  return list("browser", placeOf(me)).flatMap((mid) => {
    const entry = load("browser", placeOf(me, mid));
    return isEntry(entry) ? [{ ...entry, mid }] : [];
  });
}

/**
 * Keeps what changes of it in a view, to be called with each new one. What fails because this client has
 * ended is left as it was: another one goes on with it, or has sent it.
 */
export function unsentSaver(): (view: View) => void {
  let kept = new Map<string, Outgoing>();
  return (view) => {
    const { me, conversations } = view;
    const now = new Map<string, Outgoing>();
    for (const { conv, outgoing } of conversations.values()) {
      for (const each of outgoing) {
        const { mid, text, ts, state, problem } = each;
        if (state === "sent") continue; // stored
        now.set(mid, each);
        if (kept.get(mid) !== each && isJoined(view)) {
          save("browser", placeOf(me, mid), { conv, text, ts, problem });
        }
      }
    }
    for (const mid of kept.keys()) if (!now.has(mid)) remove("browser", placeOf(me, mid));
    kept = now;
  };
}

function placeOf(me: string, mid = ""): string {
  return `outgoing.${JSON.stringify(me)}${mid}`;
}

/** Other pages of this address write there as well. */
function isEntry(value: unknown): value is Omit<Unsent, "mid"> {
  const { conv, text, ts, problem } = (value ?? {}) as Partial<Record<string, unknown>>;
  const isText = typeof conv === "string" && typeof text === "string" && text !== "";
  return isText && typeof ts === "number" && ["string", "undefined"].includes(typeof problem);
}
