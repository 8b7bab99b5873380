/** Opens a session of the chat, and a next one that resumes from it. */
import { WebSocket } from "ws";
import { connect, type ConnectOptions } from "../sdk/tertulia.js";
import { ViewStore, type ViewStoreOptions } from "../view/view-store.js";
import { begin, type View } from "../view/model.js";
import { keptKey } from "./key-file.js";

export interface SessionOptions extends Omit<ViewStoreOptions, "view"> {
  readonly url: string;
  readonly name: string;
  /** An earlier session of the same name and chat, to resume from. */
  readonly earlier?: ViewStore | undefined;
}

export function openSession({ url, name, earlier, ...options }: SessionOptions): ViewStore {
  const key = earlier?.chat.key ?? keptKey(url, name, process.env);
  const view: View = earlier?.view ?? begin(name);
  return new ViewStore(connect(url, optionsFor(name, key, earlier)), { ...options, view });
}

function optionsFor(name: string, key?: string, earlier?: ViewStore): ConnectOptions {
  const cursors = earlier?.chat.cursors;
  const isBusy = earlier?.view.chosen === "busy";
  // somebody waits to choose another one
  const timing = earlier === undefined ? { nameWithinMs: 0 } : {};
  return { name, key, isBusy, cursors, WebSocket, client: "tertulia-terminal", timing };
}
