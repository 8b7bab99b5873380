/** Does what a written line asks for, on the full screen. */
import { EVERYBODY } from "../view/model.js";
import { conversationIn } from "../view/accessors.js";
import type { Command } from "./commands.js";
import type { InputController } from "./input-controller.js";

export function runCommand(controller: InputController, command: Command): void {
  const { deps } = controller;
  const { store, texts } = deps;
  const { view } = store;
  switch (command.type) {
    case "say":
      controller.say(command.text);
      return;
    case "tell":
      controller.open(command.conv);
      controller.say(command.text);
      return;
    case "open":
      controller.open(command.conv);
      return;
    case "history":
      if (command.conv !== undefined) controller.open(command.conv);
      controller.scroll({ by: "page", to: -1 });
      return;
    case "search":
      controller.search(command.text);
      return;
    case "users":
      controller.overlay = { type: "users", from: 0 };
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
      deps.connect(command.url, command.name);
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
      controller.overlay = { type: "help", from: 0 };
      return;
    case "quit":
      deps.leave();
      return;
    case "mistake": {
      const { of, written } = command;
      const text = of === undefined ? texts.noCommand(written) : texts.mistake(texts.usage[of][0]);
      controller.overlay = { type: "note", text };
      return;
    }
    default:
      command satisfies never;
  }
}
