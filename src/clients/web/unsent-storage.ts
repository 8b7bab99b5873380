/**
 * Keeps messages in the browser until the chat has stored them: a page that is reloaded, or comes back after a
 * crash, sends them again under the same `mid`, so that each is stored once. Each message is an entry of its
 * own, under its author's name: no tab overwrites what another keeps, and several may send the same message.
 */
import type { Outgoing, Unsent, View } from "../view/model.js";
import { isJoined } from "../view/accessors.js";
import { remove, removeAll, list, load, save } from "./browser-storage.js";

/** The messages kept for this user. */
export function loadUnsent(me: string): readonly Unsent[] {
  return list("browser", placeOf(me)).flatMap((mid) => {
    const entry = load("browser", placeOf(me, mid));
    return isEntry(entry) ? [{ ...entry, mid }] : [];
  });
}

/**
 * Returns a function that saves what a view is sending, to be called with each new view. A failure because this
 * client was closed is not saved: another client goes on with the message, or has sent it.
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

/** The user has left for good. */
export function forgetUnsent(me: string): void {
  removeAll("browser", placeOf(me));
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
