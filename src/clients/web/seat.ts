/** This tab's place in the chat: joins, keeps name, key and drafts, and tells of messages when hidden. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { spelt } from "../sdk/spelling.js";
import { connect } from "../sdk/tertulia.js";
import { ViewStore } from "../view/view-store.js";
import {
  begin,
  emptyConversation,
  type Connection,
  type Conv,
  type View,
  type Action,
} from "../view/model.js";
import { quietAgain } from "../view/do-not-disturb.js";
import { addressedConv } from "./address.js";
import { draftsOf, keepDrafts } from "./drafts.js";
import { awaitSharedKey, forgetKey, shareKey, sharedKey } from "./key.js";
import { forget, recall, remember } from "./memory.js";
import { announce, lookAs } from "./notify.js";
import { keptOutgoing, outgoingKeeper } from "./outgoing.js";
import type { Texts } from "./texts.js";

/** What never changes: who uses only this is not drawn again with every change of the view. */
export interface Room {
  readonly t: Texts;
  readonly act: (event: Action) => void;
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

/**
 * Another tab of this browser with the same name is another device of the same user.
 * @param again Another tab has taken the name at this very moment: join once more, with its key.
 */
export async function join(
  name: string,
  texts: Texts,
  changed: (view: View) => void,
  again: () => void,
): Promise<ViewStore> {
  const me = spelt(name);
  const drafts = await draftsOf(me);
  const earlier = earlierSeat();
  const { key = sharedKey(me), quiet } = earlier?.name === me ? earlier : {};
  const view = withDrafts(quietAgain(begin(me, addressedConv()), quiet), drafts);
  const isBusy = view.chosen === "busy";
  const timing = { nameWithinMs: 0 }; // somebody waits to choose another one
  const chat = connect(gateway(), { name: me, key, isBusy, client: "tertulia-web", timing });
  remember("browser", "name", [me]);
  lookAs(me);
  const keepOutgoing = outgoingKeeper();
  const keepSeat = ({ quiet: marks }: View): void =>
    remember("tab", "seat", { name: me, key: chat.key, quiet: marks && [...marks] });
  const take = async (next: View): Promise<void> => {
    const { connection } = next;
    keepOutgoing(next); // first: a crash loses neither the draft nor what it has become
    keepDrafts(next);
    if (connection.name === "open") shareKey(me, chat.key);
    if (connection.name === "away" || isTaken(connection)) {
      lookAs(undefined);
      forget("tab", "seat");
      forgetKey(me, chat.key);
    } else keepSeat(next);
    const isRace = isTaken(connection) && key === undefined;
    if (isRace && (await awaitSharedKey(me)) !== undefined) again();
    else changed(next);
  };
  keepSeat(view);
  const desk = new ViewStore(chat, {
    view,
    underway: keptOutgoing(me),
    changed: (next) => void take(next),
    notify: ({ message }) => announce(message, texts),
  });
  keepOutgoing(desk.view);
  return desk;
}

function isTaken(connection: Connection): boolean {
  return connection.name === "closed" && connection.problem === "name_taken";
}

function gateway(): string {
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = "";
  url.hash = "";
  return url.href;
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

/** The name that was used last in this browser. */
export function earlierName(): string {
  const [name] = (recall("browser", "name") ?? []) as unknown[];
  return typeof name === "string" ? name : "";
}

function withDrafts(view: View, drafts: Readonly<Record<Conv, string>>): View {
  const conversations = new Map(view.conversations);
  for (const [conv, draft] of Object.entries(drafts)) {
    conversations.set(conv, { ...emptyConversation(conv), draft });
  }
  return { ...view, conversations };
}
