/** Does what a command of plain mode asks for, and prints the answer. */
import type { Command } from "./commands.js";
import { sanitizeLine } from "./sanitize.js";
import { lineOf } from "./plain-line.js";
import type { PlainMode } from "./plain-mode.js";

/** Never rejects: what did not work is told. */
export async function runPlainCommand(
  mode: PlainMode,
  command: Exclude<Command, { type: "say" | "quit" }>,
  of: string,
): Promise<void> {
  try {
    await answer(mode, command, of);
  } catch (error) {
    mode.problem(error, of);
  }
}

async function answer(
  mode: PlainMode,
  command: Exclude<Command, { type: "say" | "quit" }>,
  of: string,
): Promise<void> {
  const { chat, texts } = mode;
  switch (command.type) {
    case "tell":
      await mode.publish(command.conv, command.text, of);
      return;
    case "open":
      mode.to = command.conv;
      return;
    case "history": {
      const { messages } = await chat.history(command.conv ?? mode.to, { limit: 50 });
      for (const each of messages) mode.print(lineOf(each), { type: "history", ...each });
      return;
    }
    case "users": {
      await chat.presence.watch();
      for (const [user, status] of sorted(chat.presence.people)) {
        mode.print(`${sanitizeLine(user)} ${texts.status[status]}`, { type: "user", user, status });
      }
      return;
    }
    case "info": {
      const user = command.user ?? chat.name;
      const status = await chat.user(user);
      mode.print(`${sanitizeLine(user)} ${texts.status[status]}`, { type: "user", user, status });
      return;
    }
    case "status":
      await chat.setStatus(command.status);
      return;
    case "help":
      for (const [form, about] of Object.values(texts.usage)) {
        mode.print(`${form}  ${about}`, { type: "help", form, about });
      }
      return;
    case "mistake":
      throw new Error(
        command.of === undefined
          ? texts.noCommand(command.written)
          : texts.mistake(texts.usage[command.of][0]),
      );
    case "search":
    case "connect":
    case "disconnect":
    case "retry":
    case "discard":
      throw new Error(texts.onlyOnScreen);
    default:
      command satisfies never;
  }
}

function sorted<T>(people: ReadonlyMap<string, T>): [name: string, status: T][] {
  return [...people].toSorted(([one], [other]) => (one < other ? -1 : 1));
}
