/** Carries out a command on the full screen. */
import { EVERYBODY, type Conv } from "../view/model.js";
import type { ViewStore } from "../view/view-store.js";
import { conversationIn } from "../view/accessors.js";
import type { ChatCommand } from "./chat-commands.js";
import type { Command } from "./commands.js";
import type { InputAction } from "./keys.js";
import type { Overlay } from "./screen.js";
import type { Texts } from "./texts.js";

/** What commands act on. */
export interface CommandTarget {
  overlay: Overlay | undefined;
  readonly dependencies: {
    readonly texts: Texts;
    readonly store: ViewStore;
    connect(url: string | undefined, name: string | undefined): void;
    leave(): void;
  };
  open(conv: Conv): void;
  say(text: string): void;
  scroll(action: Pick<InputAction & { type: "scroll" }, "by" | "to">): void;
  search(text: string): void;
  answer(command: ChatCommand): Promise<void>;
}

export function runCommand(target: CommandTarget, command: Command): void {
  const { dependencies } = target;
  const { store, texts } = dependencies;
  const { view } = store;
  switch (command.type) {
    case "say":
      target.say(command.text);
      return;
    case "tell":
      target.open(command.conv);
      target.say(command.text);
      return;
    case "open":
      target.open(command.conv);
      return;
    case "history":
      if (command.conv !== undefined) target.open(command.conv);
      target.scroll({ by: "page", to: -1 });
      return;
    case "search":
      target.search(command.text);
      return;
    case "users":
      target.overlay = { type: "users", from: 0 };
      return;
    case "info": {
      const peer = view.open === EVERYBODY ? view.me : view.open.slice(1);
      store.dispatch({ type: "show card", user: command.user ?? peer });
      return;
    }
    case "status":
      store.dispatch({ type: "choose status", status: command.status });
      return;
    case "connect":
      dependencies.connect(command.url, command.name);
      return;
    case "disconnect":
      store.dispatch({ type: "leave" });
      return;
    case "retry":
    case "discard":
      for (const { mid, state } of conversationIn(view, view.open).outgoing) {
        if (state === "failed") store.dispatch({ type: command.type, conv: view.open, mid });
      }
      return;
    case "help":
      target.overlay = { type: "help", from: 0 };
      return;
    case "quit":
      dependencies.leave();
      return;
    case "password":
    case "sessions":
    case "block":
    case "unblock":
    case "blocks":
    case "remove":
    case "unregister":
    case "export":
    case "moderate":
    case "sanctions":
    case "audit":
      void target.answer(command);
      return;
    case "mistake": {
      const { of, written } = command;
      const text = of === undefined ? texts.noCommand(written) : texts.mistake(texts.usage[of][0]);
      target.overlay = { type: "note", text };
      return;
    }
    default:
      command satisfies never;
  }
}
