/** Opens a session of the chat, and a next one that resumes from it. */
import { WebSocket } from "ws";
import { connect, type ConnectOptions } from "../sdk/tertulia.js";
import { ViewStore, type ViewStoreOptions } from "../view/view-store.js";
import { begin, type View } from "../view/model.js";
import { keepLogin, shownFor, type Secrets } from "./credentials.js";
import { keptKey } from "./key-file.js";
import { CLIENT } from "./login.js";

export interface SessionOptions extends Omit<ViewStoreOptions, "view"> {
  readonly url: string;
  readonly name: string;
  readonly secrets: Secrets;
  /** The token of a login session that has just begun. */
  readonly login?: string | undefined;
  /** An earlier session of the same name and chat, to resume from. */
  readonly earlier?: ViewStore | undefined;
}

export function openSession(session: SessionOptions): ViewStore {
  const { url, name, earlier, secrets: _, login: __, ...options } = session;
  const view: View = earlier?.view ?? begin(name);
  const chat = connect(url, optionsFor(session));
  keepLogin(chat, url, process.env);
  return new ViewStore(chat, { ...options, view });
}

function optionsFor({ url, name, secrets, login, earlier }: SessionOptions): ConnectOptions {
  const shown = shownFor(url, name, secrets, process.env);
  const session = login ?? earlier?.chat.session ?? shown.session;
  const key = earlier?.chat.key ?? keptKey(url, name, process.env);
  const cursors = earlier?.chat.cursors;
  const isBusy = earlier?.view.chosen === "busy";
  // somebody waits to choose another one
  const timing = earlier === undefined ? { nameWithinMs: 0 } : {};
  const client = CLIENT;
  return { ...shown, session, name, key, isBusy, cursors, WebSocket, client, timing };
}
