/** Opens a session of the chat, and a next one that resumes from it. */
import { WebSocket } from "ws";
import { connect, type ConnectOptions } from "../sdk/tertulia.js";
import { ViewStore, type ViewStoreOptions } from "../view/view-store.js";
import { begin, type View } from "../view/model.js";

export interface SessionOptions extends Omit<ViewStoreOptions, "view"> {
  readonly url: string;
  readonly name: string;
  /** An earlier session of the same name and chat, to resume from. */
  readonly earlier?: ViewStore | undefined;
}

export function openSession({ url, name, earlier, ...options }: SessionOptions): ViewStore {
  const key = earlier?.chat.key;
  const view: View = earlier?.view ?? begin(name);
  return new ViewStore(connect(url, optionsFor(name, key, earlier)), { ...options, view });
}

function optionsFor(name: string, key?: string, earlier?: ViewStore): ConnectOptions {
  const cursors = earlier?.chat.cursors;
  const isBusy = earlier?.view.chosen === "busy";
  const timing = { nameWithinMs: 0 }; // somebody waits to choose another one
  return { name, key, isBusy, cursors, WebSocket, client: "tertulia-terminal", timing };
}
