/** Notifications: only after the user switched them on, and only while nobody looks at the page. */
import type { Message } from "../sdk/events.js";
import { load, save } from "./browser-storage.js";
import type { Texts } from "./texts.js";

/** Coalescing: messages within this time become one notification per conversation. */
const COALESCE_MS = 200;

export type Notifying = "off" | "on" | "blocked" | "impossible";

export function notifying(): Notifying {
  if (!("Notification" in globalThis)) return "impossible";
  if (Notification.permission === "denied") return "blocked";
  const isWanted = load("browser", "notify") === true;
  return isWanted && Notification.permission === "granted" ? "on" : "off";
}

/** To be called from a click. */
export async function switchNotifying(): Promise<Notifying> {
  const isWanted = notifying() !== "on";
  if (isWanted && Notification.permission === "default") await Notification.requestPermission();
  save("browser", "notify", isWanted);
  return notifying();
}

const coalesced = new Map<string, Message>();

let tabs: BroadcastChannel | undefined;

/** The tabs of one user ask each other whether somebody looks at one of them: then none notifies. */
export function joinTabChannel(me: string | undefined): void {
  tabs?.close();
  tabs = undefined;
  if (me === undefined) return;
  tabs = new BroadcastChannel(`tertulia.${me}`);
  tabs.addEventListener("message", ({ data }) => {
    if (data === "seen") coalesced.clear();
    else if (isLookedAt()) tellTabs("seen");
  });
}

function tellTabs(what: "who looks?" | "seen"): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel, not a window
  tabs?.postMessage(what);
}

function isLookedAt(): boolean {
  return !document.hidden && document.hasFocus();
}

export function notifyAbout(message: Message, t: Texts): void {
  if (isLookedAt()) return;
  if (coalesced.size === 0) {
    tellTabs("who looks?");
    setTimeout(() => {
      // checked here and not for each message: the check is slow in browsers
      if (notifying() === "on") for (const latest of coalesced.values()) show(latest, t);
      coalesced.clear();
    }, COALESCE_MS);
  }
  coalesced.set(message.conv, message);
}

function show({ conv, from, text }: Message, t: Texts): void {
  const title = conv === "~" ? `${from} · ${t.everybody}` : from;
  try {
    // one per conversation, with its latest message; each makes a sound
    const options = { body: text.slice(0, 200), tag: conv, renotify: true };
    const shown = new Notification(title, options);
    shown.addEventListener("click", () => {
      focus();
      dispatchEvent(new CustomEvent("tertulia-open", { detail: conv }));
      shown.close();
    });
  } catch {
    // some phones have the constructor, and throw
  }
}
