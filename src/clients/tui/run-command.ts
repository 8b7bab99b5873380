/** Does what a written line asks for, on the full screen. */
import { EVERYBODY } from "../view/model.js";
import { standing } from "../view/accessors.js";
import type { Command } from "./commands.js";
import type { InputController } from "./input-controller.js";

export function runCommand(stage: InputController, command: Command): void {
  const { house } = stage;
  const { desk, texts } = house;
  const { view } = desk;
  switch (command.type) {
    case "say":
      stage.say(command.text);
      return;
    case "tell":
      stage.open(command.conv);
      stage.say(command.text);
      return;
    case "open":
      stage.open(command.conv);
      return;
    case "history":
      if (command.conv !== undefined) stage.open(command.conv);
      stage.scroll({ by: "page", to: -1 });
      return;
    case "search":
      stage.search(command.text);
      return;
    case "users":
      stage.sheet = { type: "users", from: 0 };
      return;
    case "info": {
      const peer = view.open === EVERYBODY ? view.me : view.open.slice(1);
      desk.do({ type: "show card", user: command.user ?? peer });
      return;
    }
    case "status":
      desk.do({ type: "choose status", status: command.status });
      return;
    case "connect":
      house.connect(command.url, command.name);
      return;
    case "disconnect":
      desk.do({ type: "leave" });
      return;
    case "retry":
    case "discard":
      for (const { mid, state } of standing(view, view.open).outgoing) {
        if (state === "failed") desk.do({ type: command.type, conv: view.open, mid });
      }
      return;
    case "help":
      stage.sheet = { type: "help", from: 0 };
      return;
    case "quit":
      house.leave();
      return;
    case "mistake": {
      const { of, written } = command;
      const text = of === undefined ? texts.noCommand(written) : texts.mistake(texts.usage[of][0]);
      stage.sheet = { type: "note", text };
      return;
    }
    default:
      command satisfies never;
  }
}
