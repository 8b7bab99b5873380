/** This tab's place in the chat: joins, keeps name, key and drafts, and tells of messages when hidden. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { connect } from "../sdk/tertulia.js";
import { Desk } from "../view/desk.js";
import { begin, emptyConversation, type View, type ViewEvent } from "../view/model.js";
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

export function join(
  name: string,
  key: string | undefined,
  texts: Texts,
  changed: (view: View) => void,
): Desk {
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = "";
  url.hash = "";
  const chat = connect(url.href, { name, key, client: "tertulia-web" });
  remember("tab", "seat", { name, key: chat.key });
  remember("browser", "name", [name]);
  return new Desk(chat, {
    view: withDrafts(begin(name), recall("browser", `drafts.${name}`)),
    changed: (view) => {
      keepDrafts(name, view);
      changed(view);
    },
    notify: ({ message }) => announce(message, texts),
  });
}

/** Who this tab was before it was loaded again. */
export function earlierSeat(): { name: string; key: string } | undefined {
  return recall("tab", "seat") as { name: string; key: string } | undefined;
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
