/** This tab's place in the chat: joins, keeps name, key and drafts, and tells of messages when hidden. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { connect, type Tertulia } from "../sdk/tertulia.js";
import { Desk } from "../view/desk.js";
import { begin, emptyConversation, type View, type ViewEvent } from "../view/model.js";
import { quietAgain } from "../view/quiet.js";
import { addressedConv } from "./address.js";
import { forget, recall, remember } from "./memory.js";
import { announce } from "./notify.js";
import type { Texts } from "./texts.js";

/** What never changes: who uses only this is not drawn again with every change of the view. */
export interface Room {
  readonly t: Texts;
  readonly act: (event: ViewEvent) => void;
  readonly reconnectNow: () => void;
}

/** What every part of the screen can see and do. */
export interface Seat extends Room {
  readonly view: View;
}

export const RoomContext = createContext<Room | undefined>(undefined);
export const ViewContext = createContext<View | undefined>(undefined);

export function useRoom(): Room {
  return useContext(RoomContext)!;
}

export function useSeat(): Seat {
  return { ...useContext(RoomContext)!, view: useContext(ViewContext)! };
}

export function join(name: string, texts: Texts, changed: (view: View) => void): Desk {
  const earlier = earlierSeat();
  const { key, quiet } = earlier?.name === name ? earlier : {};
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = "";
  url.hash = "";
  const view = quietAgain(begin(name, addressedConv()), quiet);
  const isBusy = view.chosen === "busy";
  const timing = { nameWithinMs: 0 }; // somebody waits to choose another one
  const chat = connect(url.href, { name, key, isBusy, client: "tertulia-web", timing });
  keepSeat(chat, view);
  remember("browser", "name", [name]);
  return new Desk(chat, {
    view: withDrafts(view, recall("browser", `drafts.${name}`)),
    changed: (next) => {
      keepDrafts(name, next);
      if (next.connection.name !== "away") keepSeat(chat, next);
      changed(next);
    },
    notify: ({ message }) => announce(message, texts),
  });
}

interface EarlierSeat {
  readonly name: string;
  readonly key: string;
  /** While busy: up to where what was said is shown. */
  readonly quiet?: unknown;
}

/** Who this tab was before it was loaded again. */
export function earlierSeat(): EarlierSeat | undefined {
  return recall("tab", "seat") as EarlierSeat | undefined;
}

function keepSeat({ name, key }: Tertulia, { quiet }: View): void {
  remember("tab", "seat", { name, key, quiet: quiet && [...quiet] });
}

/** The name that was used last in this browser. */
export function earlierName(): string {
  const [name] = (recall("browser", "name") ?? []) as unknown[];
  return typeof name === "string" ? name : "";
}

export function giveUpSeat(): void {
  forget("tab", "seat");
}

function withDrafts(view: View, drafts: unknown): View {
  const conversations = new Map(view.conversations);
  for (const [conv, draft] of Object.entries(drafts ?? {})) {
    conversations.set(conv, { ...emptyConversation(conv), draft: String(draft) });
  }
  return { ...view, conversations };
}

let kept = "";

function keepDrafts(name: string, { conversations }: View): void {
  const drafts: Record<string, string> = {};
  for (const { conv, draft } of conversations.values()) {
    if (draft !== "") drafts[conv] = draft;
  }
  const text = JSON.stringify(drafts);
  if (text === kept) return;
  kept = text;
  remember("browser", `drafts.${name}`, drafts);
}
