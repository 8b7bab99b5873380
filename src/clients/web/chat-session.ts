/** This tab's session: joins the chat, keeps name, key and drafts, and notifies while hidden. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { normalizeName } from "../sdk/normalize-name.js";
import { connect, type Tertulia } from "../sdk/tertulia.js";
import { ViewStore } from "../view/view-store.js";
import {
  begin,
  emptyConversation,
  type Connection,
  type Conv,
  type View,
  type Action,
} from "../view/model.js";
import { restoreDoNotDisturb } from "../view/do-not-disturb.js";
import { convInUrl } from "./routing.js";
import { forgetDrafts, loadDrafts, saveDrafts } from "./drafts.js";
import { awaitSharedKey, forgetKey, shareKey, sharedKey } from "./shared-key.js";
import { isKept, remove, load, save } from "./browser-storage.js";
import { forgetProof, hasAccounts, isWorthless, proofFor, thisDevice } from "./proof.js";
import { notifyAbout, joinTabChannel } from "./notifications.js";
import { forgetUnsent, loadUnsent, unsentSaver } from "./unsent-storage.js";
import type { Texts } from "./texts.js";

/** For the answer of a chat that may be away. */
const LOGGED_OUT_WITHIN_MS = 2_000;

/** What never changes: components that use only this are not rendered again when the view changes. */
export interface ChatActions {
  readonly t: Texts;
  readonly dispatch: (event: Action) => void;
  readonly reconnectNow: () => void;
  readonly leave: () => void;
  /** For what is no part of the view. */
  readonly chat: () => Tertulia;
}

/** What every component can read and do. */
export interface ChatContext extends ChatActions {
  readonly view: View;
}

export const ActionsContext = createContext<ChatActions | undefined>(undefined);
export const ViewContext = createContext<View | undefined>(undefined);

export function useActions(): ChatActions {
  return useContext(ActionsContext)!;
}

export function useChat(): ChatContext {
  return { ...useContext(ActionsContext)!, view: useContext(ViewContext)! };
}

/**
 * Joins the chat. Another tab of this browser with the same name is another device of the same user.
 * @param joinAgain called when another tab has taken the name at the same moment: to join once more, with its key
 */
export async function join(
  name: string,
  texts: Texts,
  onView: (view: View) => void,
  joinAgain: () => void,
): Promise<ViewStore> {
  const me = normalizeName(name);
  const drafts = await loadDrafts(me);
  const earlier = storedSession();
  const { key = sharedKey(me), quiet } = earlier?.name === me ? earlier : {};
  const view = withDrafts(restoreDoNotDisturb(begin(me, convInUrl()), quiet), drafts);
  const isBusy = view.chosen === "busy";
  // after a reload the name may still be held; else the user waits to choose another one
  const timing = earlier?.name === me ? {} : { nameWithinMs: 0 };
  const keepsName = isKept("browser");
  const proof = proofFor(me);
  const chat = connect(gatewayUrl(), {
    name: me,
    key,
    keepsName,
    isBusy,
    client: hasAccounts ? thisDevice() : "tertulia-web",
    timing,
    ...proof,
  });
  save("browser", "name", [me]);
  joinTabChannel(me);
  const keepOutgoing = unsentSaver();
  const saveSession = ({ doNotDisturb: marks }: View): void =>
    save("tab", "seat", { name: me, key: chat.key, quiet: marks && [...marks] });
  const onChange = async (next: View): Promise<void> => {
    const { connection } = next;
    keepOutgoing(next); // first: after a crash, a message is in the drafts or here
    saveDrafts(next);
    if (connection.name === "open") shareKey(me, chat.key);
    if (isWorthless(connection)) forgetProof(me, proof?.session);
    if (connection.name === "away" || isOthers(connection) || isWorthless(connection)) {
      joinTabChannel(undefined);
      remove("tab", "seat");
    } else saveSession(next);
    if (connection.name === "closed" && connection.problem === "unregistered") forget(me);
    const isRace = isTaken(connection) && key === undefined;
    if (isRace && (await awaitSharedKey(me)) !== undefined) joinAgain();
    else onView(next);
  };
  saveSession(view);
  // this page gets no other token: its user does
  chat.on("error", ({ code }) => code === "token_expired" && forgetProof(me));
  const store = new ViewStore(chat, {
    view,
    unsent: loadUnsent(me),
    onChange: (next) => void onChange(next),
    onNotify: ({ message }) => notifyAbout(message, texts),
  });
  keepOutgoing(store.view);
  return store;
}

/** Nothing of a user who has left for good stays in the browser. */
function forget(me: string): void {
  forgetDrafts();
  forgetUnsent(me);
  forgetKey(me);
  remove("browser", "name");
}

/** Leaves the chat. Where there are accounts, this browser is logged out: its login session ends for everybody who has it. */
export async function leave(store: ViewStore): Promise<void> {
  const { chat, view } = store;
  forgetProof(chat.name);
  if (hasAccounts && view.connection.name === "open") {
    await endOwnLogin(chat).catch(() => {}); // it is forgotten here, and ends by itself
  }
  store.dispatch({ type: "leave" });
}

async function endOwnLogin(chat: Tertulia): Promise<void> {
  const signal = AbortSignal.timeout(LOGGED_OUT_WITHIN_MS);
  const own = (await chat.sessions({ signal })).find((each) => each.own);
  if (own !== undefined) await chat.sessions({ end: own.id, signal });
}

/** Whether the name is somebody else's: after a reload it is not tried again by itself. */
function isOthers(connection: Connection): boolean {
  const isKeptForOther = connection.name === "closed" && connection.problem === "name_kept";
  return isKeptForOther || isTaken(connection);
}

function isTaken(connection: Connection): boolean {
  return connection.name === "closed" && connection.problem === "name_taken";
}

export function gatewayUrl(): string {
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = "";
  url.hash = "";
  return url.href;
}

interface StoredSession {
  readonly name: string;
  readonly key: string;
  /** While busy: the `doNotDisturb` of the view. */
  readonly quiet?: unknown;
}

/** The session of this tab before a reload. */
export function storedSession(): StoredSession | undefined {
  return load("tab", "seat") as StoredSession | undefined;
}

/** The last name used in this browser. */
export function earlierName(): string {
  const [name] = (load("browser", "name") ?? []) as unknown[];
  return typeof name === "string" ? name : "";
}

function withDrafts(view: View, drafts: Readonly<Record<Conv, string>>): View {
  const conversations = new Map(view.conversations);
  for (const [conv, draft] of Object.entries(drafts)) {
    conversations.set(conv, { ...emptyConversation(conv), draft });
  }
  return { ...view, conversations };
}
